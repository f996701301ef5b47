"""What visitors hold, send and open. Knows nothing of Gradio."""
