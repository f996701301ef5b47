"""The page: layout, events and endpoints. With tabs/*/tab.py the only room that knows Gradio."""
