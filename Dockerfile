# nic-etl for servers. `docker build -t nic-etl .`; what the image does by itself needs no network:
# `docker run --rm nic-etl` executes the chain on the bundled sample. See docs/installing.md and compose.yaml.

FROM python:3.11-slim AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE ./
# The packages first: they are the same until the lock changes. uv reads from pyproject.toml which OpenCV builds
# stay out, and from the lock the versions and their SHA-256.
RUN sed -n '/^uv==/,/[^\\]$/p' requirements.lock > /tmp/uv.lock \
 && pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/uv.lock \
 && uv venv --python /usr/local/bin/python /opt/nic-etl \
 && uv pip install --no-cache --compile-bytecode --python /opt/nic-etl/bin/python \
      --constraint requirements.lock --extra dashboard --extra serve --extra notify --extra socks \
      -r pyproject.toml
COPY runner runner
COPY stage_notebooks stage_notebooks
COPY config config
RUN uv pip install --no-cache --compile-bytecode --python /opt/nic-etl/bin/python --no-deps \
      --build-constraint requirements.lock .

FROM python:3.11-slim
# git reads repositories (source: git). Debian's fixes of it are wanted: no version is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home nic-etl \
 && install --directory --owner nic-etl --group nic-etl --mode 0700 /outputs /models
COPY --from=build /opt/nic-etl /opt/nic-etl
# Nothing is fetched from a model hub unless somebody says so: `-e HF_HUB_OFFLINE=0 … models fetch NAME`.
ENV PATH=/opt/nic-etl/bin:$PATH \
    NIC_ETL_OUTPUTS_DIR=/outputs \
    NIC_ETL_MODELS_DIR=/models/converted \
    HF_HOME=/models/hub \
    HF_HUB_OFFLINE=1 \
    DO_NOT_TRACK=1
VOLUME ["/outputs", "/models"]
WORKDIR /home/nic-etl
USER nic-etl
# No HEALTHCHECK: what healthy means depends on the command; compose.yaml has one for each.
ENTRYPOINT ["nic-etl"]
CMD ["run"]
