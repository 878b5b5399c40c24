"""Whom a service's certificate may be signed by: one file serves GitLab, which may be public, and Qdrant."""

from __future__ import annotations

import ssl

from stagekit.errors import StageError


def trust_also(context: ssl.SSLContext, ca_file: str) -> ssl.SSLContext:
    """Let a context trust the authorities of a PEM file, if one is named, beside its own; return it.

    Raises:
        StageError: if the file cannot be read, or is none of PEM.
    """
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise StageError(
                f"ca_file is {ca_file}, which is no readable PEM file ({error.strerror or error}): name the "
                "certificate of the authority that issued the server's."
            ) from None
    return context


def require_authority(ca_file: str) -> None:
    """Refuse a setting ``ca_file`` that no client could use; the errors are those of :func:`trust_also`."""
    trust_also(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca_file)


def trusted_pem(context: ssl.SSLContext) -> bytes:
    """Return the certificates of all authorities that a context has loaded, as one PEM file."""
    found = context.get_ca_certs(binary_form=True)
    return "".join(ssl.DER_cert_to_PEM_cert(certificate) for certificate in found).encode()
