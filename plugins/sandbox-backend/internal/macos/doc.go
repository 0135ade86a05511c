// SPDX-License-Identifier: Apache-2.0

// Package macos is the driver that runs commands of darwin images on a Mac, in
// the sandbox that macOS has: Seatbelt, by way of sandbox-exec.
//
// There are no namespaces on macOS, so a command is not in its image: it sees
// the machine, and its image is a folder of the machine.
//
//   - It may write in that folder and in a folder for temporary files, and
//     nowhere else: writing elsewhere fails with EPERM.
//   - It may read the machine, but for what is private (private.go says what
//     and why).
//   - Its working directory is the folder and the image's working directory
//     below it. ZLAYER_ROOT names the folder. TMPDIR names the one for
//     temporary files, unless the build sets it: without, not even a
//     here-document of the shell would work, since /tmp cannot be written.
//   - Nothing is rewritten: "/bin/tool" is a file of the machine, and a file of
//     the image is "./bin/tool" or "$ZLAYER_ROOT/bin/tool".
//   - It runs as the user who builds, whom the image knows as root.
//   - There are no mounts and no hard links.
//   - With --network=none it has no network at all, not even a loopback: that
//     is the machine's.
//
// When a command ends, so does every process that it left: all of its session,
// and those that left it but still have ZLAYER_ROOT in the environment they
// were started with. One that starts a session of its own with another
// environment is not found; it stays in the sandbox.
//
// None of this has run on a Mac yet. What is not of macOS alone is tested with
// a stand-in for sandbox-exec.
package macos
