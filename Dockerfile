# The app for a server: docs/deploy.md. TORCH_INDEX is the address of an index with PyTorch's builds for CPUs, without NVIDIA's libraries;
# PyTorch's start page names it.
FROM python:3.11-slim

ARG TORCH_INDEX=""
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /srv/vqseg
# Before the code, so that a change of the code does not install everything anew.
COPY requirements.txt requirements.lock ./
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} "$(grep '^torch==' requirements.txt)" \
    && pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE app.py ./
COPY app app
COPY vqseg vqseg
COPY configs configs
COPY assets assets
COPY checkpoints checkpoints

# The code belongs to root, and the app runs as somebody who may write to a home alone.
RUN useradd --create-home --uid 1000 visitor
USER visitor

ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
# The page itself: it is there once the first checkpoint is loaded and the first example encoded.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/', timeout=8)"]
# SIGTERM ends the app, which then deletes the visitors' files.
CMD ["python", "app.py"]
