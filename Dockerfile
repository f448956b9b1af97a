# Stage 1 compiles the wheel, stage 2 runs it as a plain user.
FROM rust:1.95-slim-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /venv
WORKDIR /src
COPY requirements/build.txt requirements/build.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements/build.txt
COPY LICENSE README.md pyproject.toml Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY proto proto
COPY rust_core rust_core
COPY python python
RUN /venv/bin/maturin build --release --locked --out /wheels

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="ETL Plus" \
      org.opencontainers.image.description="A self-hosted ETL service" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY requirements/run.txt /tmp/run.txt
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --require-hashes --requirement /tmp/run.txt \
    && pip install --no-cache-dir --no-deps --no-index /wheels/*.whl \
    && rm /tmp/run.txt \
    && useradd --create-home --uid 10001 --user-group etlplus \
    && install --directory --owner=etlplus --group=etlplus /data
USER 10001
# Beyond loopback the server wants ETLPLUS_TLS_CERT and ETLPLUS_TLS_KEY, or to be told explicitly
# that something else encrypts: ETLPLUS_INSECURE_PLAINTEXT=true.
ENV ETLPLUS_DATA_DIR=/data ETLPLUS_LISTEN=0.0.0.0:7433
EXPOSE 7433
VOLUME /data
WORKDIR /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["etlplus"]
CMD ["serve"]
