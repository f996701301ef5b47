"""The tabs, one folder each: tab.py builds the components, answers.py holds what they ask the server for. No tab knows another."""
