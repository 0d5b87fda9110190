# Three images from one file: `api` (the HTTP door, nothing of the crew's libraries), `worker`, and `all` (both under one supervisor; the default).
# Ordered from what seldom changes to what changes with every commit. Everything that needs a tool happens in a stage that is thrown away.

FROM python:3.13-slim-trixie@sha256:ffb752e139c0a19692a43af8d8523b274222dd68eebad5d583b45c2201c6e30a AS base
ENV LANG=C.UTF-8 \
    PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Wheels only, so that no package runs code of its own while it is installed; setuptools is pinned for development and not needed to run.
FROM base AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/venv
WORKDIR /build

FROM packages AS packages-api
COPY requirements-api.txt ./
RUN /usr/local/bin/python -m pip --python /opt/venv/bin/python install --no-deps --require-hashes --requirement requirements-api.txt \
    && /usr/local/bin/python -m pip --python /opt/venv/bin/python uninstall --yes setuptools \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM packages AS packages-all
COPY requirements.txt ./
RUN /usr/local/bin/python -m pip --python /opt/venv/bin/python install --no-deps --require-hashes --requirement requirements.txt \
    && /usr/local/bin/python -m pip --python /opt/venv/bin/python uninstall --yes setuptools \
    && rm -rf /opt/venv/lib/python3.13/site-packages/pandas/tests /opt/venv/lib/python3.13/site-packages/pyarrow/tests \
    && python -m compileall -q --invalidation-mode unchecked-hash -x /crewai_cli/templates/ /opt/venv/lib

FROM base AS code
ARG SAMPLE_DATA=included
WORKDIR /app
COPY LICENSE agents.yaml tasks.yaml ./
COPY crew crew
COPY api api
RUN case "$SAMPLE_DATA" in \
      included) ;; \
      omitted) rm crew/market/sample_data/*.gz crew/market/sample_data/*.json ;; \
      *) echo "SAMPLE_DATA is 'included' or 'omitted', not '$SAMPLE_DATA'" >&2; exit 1 ;; \
    esac \
    && python -m compileall -q --invalidation-mode unchecked-hash /app

# What runs: no pip, a user without a shell, and one folder that it may write, which is its home as well.
FROM base AS runtime
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.13/site-packages/pip* /usr/local/lib/python3.13/ensurepip \
    && echo 'stockcrew:x:10001:10001:StockCrew:/data:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'stockcrew:x:10001:' >>/etc/group \
    && install --directory --owner=10001 --group=10001 --mode=0750 /data
COPY --chmod=0755 deploy/image/stockcrew /usr/local/bin/stockcrew
# Docker gives a container ten seconds between SIGTERM and SIGKILL; raise STOCKCREW_DRAIN_S where the platform gives more.
ENV HOME=/data \
    PYTHONPATH=/app \
    PYTHONSAFEPATH=1 \
    STOCKCREW_DATA_DIR=/data \
    STOCKCREW_DRAIN_S=8 \
    STOCKCREW_ENV=production \
    STOCKCREW_HOST=0.0.0.0
LABEL org.opencontainers.image.title="StockCrew" \
      org.opencontainers.image.description="Turns a ticker into an equity research report whose every figure unfolds to its source" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
WORKDIR /data
VOLUME /data
USER 10001:10001
STOPSIGNAL SIGTERM

FROM runtime AS api
COPY --from=packages-api /opt/venv /opt/venv
COPY --from=code /app /app
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "crew.healthcheck", "api"]
CMD ["stockcrew", "serve"]

FROM runtime AS worker
COPY --from=packages-all /opt/venv /opt/venv
COPY --from=code /app /app
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
EXPOSE 9102
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 CMD ["python", "-m", "crew.healthcheck", "worker"]
CMD ["stockcrew", "worker"]

FROM runtime AS all
COPY --from=packages-all /opt/venv /opt/venv
COPY --from=code /app /app
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 CMD ["python", "-m", "crew.healthcheck", "all"]
CMD ["stockcrew", "serve", "--with-worker", "--migrate"]
