// SPDX-License-Identifier: Apache-2.0

//! A frontend: it answers requests on stdin with responses on stdout, until
//! stdin ends.

mod layerfile;
mod line;
mod wire;

use std::io::{stdin, stdout};
use std::process::ExitCode;

use wire::{Fields, Malformed, Message, Value};

fn main() -> ExitCode {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    loop {
        let sent = match wire::receive(&mut input) {
            Ok(None) => return ExitCode::SUCCESS,
            Ok(Some(frame)) => answer(&frame).send(&mut output),
            Err(e) => Err(e),
        };
        if let Err(e) = sent {
            eprintln!("layerfile: {e}");
            return ExitCode::FAILURE;
        }
    }
}

/// zlayer.frontend.v1.Code
const UNIMPLEMENTED: u64 = 1;
const INVALID_REQUEST: u64 = 2;

/// Answers a Request with a Response.
fn answer(frame: &[u8]) -> Message {
    match Request::read(frame) {
        Ok(Request { id, parse: Some(p) }) => {
            let response = layerfile::parse(&p.name, p.content, p.tokens);
            Message::new().number(1, id).message(2, &response)
        }
        Ok(Request { id, parse: None }) => failure(id, UNIMPLEMENTED, "this method is not known"),
        Err(Malformed) => failure(0, INVALID_REQUEST, "the request is malformed"),
    }
}

fn failure(id: u64, code: u64, message: &str) -> Message {
    Message::new().number(1, id).message(3, &Message::new().number(1, code).text(2, message))
}

/// zlayer.frontend.v1.Request. Fields that are not known are ignored, those of a
/// later version too.
#[derive(Default)]
struct Request<'a> {
    id: u64,
    parse: Option<ParseRequest<'a>>,
}

/// zlayer.frontend.v1.ParseRequest, without the answers to needs: there are none.
#[derive(Default)]
struct ParseRequest<'a> {
    name: String,
    content: &'a [u8],
    tokens: bool,
}

impl<'a> Request<'a> {
    fn read(frame: &'a [u8]) -> Result<Self, Malformed> {
        let mut request = Self::default();
        for field in Fields(frame) {
            match field? {
                (1, Value::Number(id)) => request.id = id,
                (2, Value::Bytes(parse)) => request.parse.get_or_insert_default().read(parse)?,
                (1 | 2, _) => return Err(Malformed),
                _ => {}
            }
        }
        Ok(request)
    }
}

impl<'a> ParseRequest<'a> {
    fn read(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        for field in Fields(message) {
            match field? {
                (1, Value::Bytes(name)) => self.name = String::from_utf8_lossy(name).into_owned(),
                (2, Value::Bytes(content)) => self.content = content,
                (3, Value::Bytes(file)) => Fields(file).try_for_each(|f| f.map(drop))?, // nobody asked
                (4, Value::Number(tokens)) => self.tokens = tokens != 0,
                (1..=4, _) => return Err(Malformed),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the frontend answers to a request with some fields.
    fn answered(request: Message) -> Vec<u8> {
        let (mut sent, mut response) = (Vec::new(), Vec::new());
        request.send(&mut sent).unwrap();
        let frame = wire::receive(&mut sent.as_slice()).unwrap().unwrap();
        answer(&frame).send(&mut response).unwrap();
        wire::receive(&mut response.as_slice()).unwrap().unwrap()
    }

    /// The numbers of a message's fields.
    fn fields(message: &[u8]) -> Vec<u64> {
        Fields(message).map(|f| f.unwrap().0).collect()
    }

    #[test]
    fn a_file_is_parsed() {
        let parse = Message::new().text(1, "Layerfile").text(2, "from scratch\n");
        assert_eq!(fields(&answered(Message::new().number(1, 7).message(2, &parse))), [1, 2]);
    }

    #[test]
    fn what_is_not_known_is_a_failure() {
        assert_eq!(fields(&answered(Message::new().number(1, 7))), [1, 3]);
        assert_eq!(fields(&answered(Message::new().text(1, "no number"))), [3]);
    }

    #[test]
    fn fields_of_later_versions_are_ignored() {
        let parse = Message::new().text(2, "from scratch\n").number(99, 1).text(100, "x");
        assert_eq!(fields(&answered(Message::new().number(1, 7).message(2, &parse).number(50, 3))), [1, 2]);
    }
}
