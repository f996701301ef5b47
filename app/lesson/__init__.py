"""The lesson: its texts by language, the numbers behind its steps, and the handout made of both. Knows nothing of Gradio."""
