// SPDX-License-Identifier: Apache-2.0

//! Greets everybody it is told about.

fn main() {
    let mut names = std::env::args().skip(1).peekable();
    if names.peek().is_none() {
        println!("hello, whoever you are");
    }
    for name in names {
        println!("hello, {name}");
    }
}
