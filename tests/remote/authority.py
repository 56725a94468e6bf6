"""Certificates for tests, made by openssl: authorities, and certificates that they sign."""

import subprocess

CONFIG = """
[ca]
default_ca = it
[it]
dir = {folder}
database = $dir/index.txt
new_certs_dir = $dir
serial = $dir/serial
private_key = $dir/ca.key
certificate = $dir/ca.pem
default_md = sha256
policy = any
email_in_dn = no
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[leaf]
basicConstraints = critical, CA:FALSE
subjectAltName = {names}
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name="Test authority"):
        self.folder = folder
        self.signed = 0
        folder.mkdir()
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        self.certificate = folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", folder / "ca.key", "-out", self.certificate, "-days", "2",
                "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def sign(self, common_name, names="DNS:localhost,IP:127.0.0.1", expired=False):
        """(certificate, key) as paths.  names: subject alternative names, as openssl has them."""
        self.signed += 1
        key, request, certificate = (self.folder / f"leaf-{self.signed}.{ending}"
                                     for ending in ("key", "csr", "pem"))
        config = self.folder / "openssl.cnf"
        config.write_text(CONFIG.format(folder=self.folder, names=names))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-out", request, "-subj", f"/CN={common_name}",
                "-config", config)
        dates = (["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"] if expired
                 else ["-days", "2"])
        openssl("ca", "-batch", "-config", config, "-extensions", "leaf", "-notext",
                "-in", request, "-out", certificate, *dates)
        return certificate, key
