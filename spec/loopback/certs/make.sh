#!/bin/sh
# Makes the certificates of this folder. They are committed, valid from 2020 to 2126 and trusted by nobody: run this only
# to change them. Needs openssl 3.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# `openssl ca` because it takes dates, which `openssl x509` of 3.0 does not.
cat > "$work/ca.cnf" << CONFIG
[ca]
default_ca = loopback
[loopback]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
CONFIG
: > "$work/index.txt"

# issue NAME CN EXTENSION SIGNER [END]: signed by the key of SIGNER, which may be NAME itself
issue() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key.pem"
  openssl req -new -key "$1.key.pem" -subj "/CN=$2" -out "$work/csr.pem"
  printf '%s\n' "$3" > "$work/ext.cnf"
  if [ "$1" = "$4" ]; then signer=-selfsign; else signer="-cert $4.cert.pem"; fi
  # shellcheck disable=SC2086 # an option and its value
  openssl ca -batch -notext -config "$work/ca.cnf" $signer -keyfile "$4.key.pem" -in "$work/csr.pem" \
    -extfile "$work/ext.cnf" -startdate 20200101000000Z -enddate "${5:-21260101000000Z}" -out "$1.cert.pem"
}

names='subjectAltName=DNS:localhost,DNS:one.test,DNS:two.test,IP:127.0.0.1,IP:::1'
issue ca 'rxjs-http-pool test CA' 'basicConstraints=critical,CA:true' ca
issue server localhost "$names" ca
issue wrong-host elsewhere.test 'subjectAltName=DNS:elsewhere.test' ca
issue expired localhost "$names" ca 20200102000000Z
issue self-signed localhost "$names" self-signed
issue wildcard '*.wild.test' 'subjectAltName=DNS:*.wild.test' ca
issue client 'test client' 'extendedKeyUsage=clientAuth' ca
