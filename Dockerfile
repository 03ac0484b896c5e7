# The server by default; the scheduler and every command by name:
#   docker build -t canary-records .
#   docker run --rm -v canary:/data canary-records canary init
#   docker run -d -v canary:/data -p 127.0.0.1:8000:8000 -e CANARY_PUBLIC_URL=https://… canary-records
#   docker run -d -v canary:/data --no-healthcheck canary-records canary schedule
# The slim image has no compiler, and the scan without its kernel is many times slower: built beside it.
FROM python:3.11 AS build
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY canary canary
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
COPY requirements/run.txt requirements/
RUN pip install -r requirements/run.txt
COPY config config
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels pip install --no-deps /wheels/*.whl

# matplotlib, which draws the report, wants a folder of its own to write to.
RUN useradd --system --uid 10001 --home-dir /data --no-create-home canary \
 && mkdir /data && chown canary: /data && chmod 700 /data
ENV CANARY_CONFIG=/data/canary.toml CANARY_BIND=0.0.0.0:8000 MPLCONFIGDIR=/tmp/matplotlib
USER canary
WORKDIR /data
VOLUME /data

EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["canary", "serve"]
