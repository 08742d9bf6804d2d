# The image of every syncsvc command: worker, apply job, one-shots.
# Three stages: the wheel, the virtual environment, and a runtime that holds nothing but that environment.  What goes
# in is named with its hashes in deploy/image/*.lock (`make lock` writes them), so that a build next year installs the same.

FROM python:3.11-slim AS wheel
# A compiler for the hot path, and Python's headers where the base has none (a Debian's own Python keeps them in a
# package).  They stay in this stage, so their versions may move.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && { [ -e "$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] \
   || apt-get install --yes --no-install-recommends libpython3-dev; } \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY deploy/image/build.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement build.lock
COPY pyproject.toml hatch_build.py README.md LICENSE* ./
COPY syncsvc ./syncsvc
# The example mappings become a part of the package: `syncsvc demo` runs them.
COPY pipelines ./pipelines
# With its hot path compiled: docs/decisions/0010.  By the build system itself, which installs nothing; pip would build,
# and so compile, twice: once to read the metadata.
RUN SYNCSVC_COMPILE=1 python -m hatchling build --target wheel --directory /wheels

FROM python:3.11-slim AS environment
# Without pip: the runtime installs nothing.
RUN python -m venv --without-pip /opt/syncsvc
# Dependencies stand in a layer of their own, so that a change of our code does not install them again.
COPY deploy/image/requirements.lock /src/
RUN pip --python /opt/syncsvc/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
    --requirement /src/requirements.lock
COPY --from=wheel /wheels /wheels
RUN pip --python /opt/syncsvc/bin/python install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="syncsvc" \
      org.opencontainers.image.description="Keeps MongoDB documents true to the relational rows they are joined from" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The uid is a number above 10000: `runAsNonRoot` can check it, and it is no user of the node.
RUN groupadd --gid 10001 syncsvc \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/syncsvc --shell /usr/sbin/nologin syncsvc \
 && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/syncsvc
COPY --from=environment /opt/syncsvc /opt/syncsvc

# The root file system may be read-only: only the state directory and /tmp are written to.
ENV PATH=/opt/syncsvc/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SYNCSVC_STATE_DIR=/var/lib/syncsvc \
    SYNCSVC_HTTP_HOST=0.0.0.0 \
    SYNCSVC_HTTP_PORT=6066
USER 10001:10001
WORKDIR /var/lib/syncsvc
VOLUME ["/var/lib/syncsvc"]
EXPOSE 6066

# /live says that the loop turns; it asks no broker and no database (Kubernetes has its own probes and ignores this).
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['SYNCSVC_HTTP_PORT'] + '/live', timeout=3)"]

ENTRYPOINT ["syncsvc"]
CMD ["--help"]
