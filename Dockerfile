# The hub's image: one for the gateway, the workers and metrics (`lgsp gateway|worker|metrics`).
FROM python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84 AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/lgsp
ENV PATH=/opt/lgsp/bin:$PATH
WORKDIR /src
# Dependencies first: they change less often than the code, so the layer is used again.
COPY requirements-image.lock .
RUN pip install --require-hashes --only-binary :all: -r requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY serving serving
COPY connectors connectors
COPY streams streams
COPY metrics metrics
COPY ops ops
# Whoever gets into a container finds nothing that installs.
RUN pip install --no-deps --no-build-isolation . && pip uninstall --yes setuptools pip

FROM python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/lgsp lgsp
COPY --from=build /opt/lgsp /opt/lgsp
ENV PATH=/opt/lgsp/bin:$PATH PYTHONUNBUFFERED=1 LGSP_DATA=/var/lib/lgsp LGSP_HOST=0.0.0.0
USER 10001
WORKDIR /var/lib/lgsp
VOLUME /var/lib/lgsp
EXPOSE 8080 8081 8082
ENTRYPOINT ["lgsp"]
CMD ["--help"]
