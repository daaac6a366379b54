# image.lock: requirements.lock with the drivers of PostgreSQL and Redis. The base image is named by its tag: name it by
# the digest of the one that you have checked (python:3.13-slim@sha256:…) where builds must be the same for ever.
# One image for web and worker: small, not root, runs on a read-only file system with /data as its only writable place.
FROM python:3.13-slim AS build
WORKDIR /src
COPY image.lock build.lock pyproject.toml hatch_build.py README.md LICENSE ./
COPY research_dashboard research_dashboard
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r image.lock \
 && PIP_CONSTRAINT=build.lock /opt/venv/bin/pip install --no-cache-dir --no-deps . \
 && /opt/venv/bin/python -m compileall -q /opt/venv

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home research
COPY --from=build /opt/venv /opt/venv
USER research
WORKDIR /data
VOLUME /data
ENV PATH=/opt/venv/bin:$PATH FLASK_APP=research_dashboard RESEARCH_DASHBOARD_INSTANCE=/data HOST=0.0.0.0 PORT=8000 \
    PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["research-dashboard"]
