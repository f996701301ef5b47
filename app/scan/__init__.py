"""An open scan, and everything that is computed from it. This room knows neither visitors nor Gradio."""
