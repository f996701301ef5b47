"""An open scan and what can be asked of it. Knows nothing of visitors, nor of Gradio."""
