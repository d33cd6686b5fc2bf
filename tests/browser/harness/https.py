"""A site that came by `http:`, also by `https:`, as behind a reverse proxy with a certificate."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.passing_on import passed_on

__all__ = ["serve_https"]


@contextmanager
def serve_https(port: int, folder: Path) -> Iterator[str]:
    """Serve what listens at a port of localhost by `https:`, too; gives the host with its port.

    The certificate is nobody's: browsers need `--ignore-certificate-errors`.
    """
    certificate = folder / "certificate.pem"
    certificate.write_bytes(_make_certificate())
    options = ("--certificate", str(certificate))
    with passed_on(port, *options, stderr=subprocess.DEVNULL) as own_port:
        yield f"localhost:{own_port}"


def _make_certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret + certificate.public_bytes(serialization.Encoding.PEM)
