// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// keypair writes a private key, with a password if there is one as cosign
// encrypts it, and its public key.
//
//	exec keypair PRIVATE PUBLIC [PASSWORD]
func keypair() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		fatal(err)
	}
	kind := "PRIVATE KEY"
	if len(os.Args) > 3 {
		kind = "ENCRYPTED SIGSTORE PRIVATE KEY"
		if private, err = encrypted.Encrypt(private, []byte(os.Args[3])); err != nil {
			fatal(err)
		}
	}
	for name, block := range map[string]*pem.Block{
		os.Args[1]: {Type: kind, Bytes: private},
		os.Args[2]: {Type: "PUBLIC KEY", Bytes: public},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			fatal(err)
		}
	}
}

// terminal runs a command with stdin and stderr at the terminal that the script
// made with ttyin.
//
//	exec terminal zlayer plugin add SOURCE
func terminal() {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		fatal(err)
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, os.Stdout, tty
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	} else if err != nil {
		fatal(err)
	}
}
