"""The page: layout, events and endpoints. Only this room and tabs/*/tab.py import Gradio."""
