// SPDX-License-Identifier: Apache-2.0

//! Protobuf by hand: as much of it as a frontend needs.

use std::io::{self, Read, Write};

/// A message being written.
#[derive(Clone, Default)]
pub struct Message(Vec<u8>);

impl Message {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number, an enum or a bool. 0 is the default and is not written.
    pub fn number(mut self, field: u64, value: u64) -> Self {
        if value != 0 {
            put_varint(&mut self.0, field << 3);
            put_varint(&mut self.0, value);
        }
        self
    }

    /// Adds a string.
    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// Adds a message. An empty one is there all the same.
    pub fn message(self, field: u64, value: &Message) -> Self {
        self.bytes(field, &value.0)
    }

    /// Adds the messages of a repeated field.
    pub fn messages(self, field: u64, values: &[Message]) -> Self {
        values.iter().fold(self, |m, v| m.message(field, v))
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        put_varint(&mut self.0, field << 3 | 2);
        put_varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// Writes the message with its length in front.
    pub fn send(&self, out: &mut impl Write) -> io::Result<()> {
        let mut length = Vec::new();
        put_varint(&mut length, self.0.len() as u64);
        out.write_all(&length)?;
        out.write_all(&self.0)?;
        out.flush()
    }
}

fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// The largest request that is read.
const LIMIT: u64 = 64 << 20;

/// Reads a message with its length in front; None when there is no more.
pub fn receive(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let (mut length, mut frame) = (Vec::new(), Vec::new());
    let size = loop {
        if input.take(1).read_to_end(&mut length)? == 0 {
            return if length.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        if length.len() == 10 || length.last().is_some_and(|c| *c < 0x80) {
            break varint(&mut length.as_slice());
        }
    };
    match size {
        Ok(size) if size > LIMIT => Err(io::Error::other("the request is too large")),
        Ok(size) if input.take(size).read_to_end(&mut frame)? as u64 == size => Ok(Some(frame)),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(Malformed) => Err(io::Error::other("the length of a request is no varint")),
    }
}

/// Bytes that are no message.
#[derive(Debug, PartialEq)]
pub struct Malformed;

/// The value of a field that was read. Fixed values and groups are only skipped:
/// no field that a frontend knows has one.
pub enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The fields of a message, in its order.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| self.field())
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Value<'a>), Malformed> {
        let (number, kind, value) = self.part()?;
        let mut open = u32::from(kind == 3); // groups that have not ended
        while open > 0 {
            match self.part()?.1 {
                3 => open += 1,
                4 => open -= 1,
                _ => {}
            }
        }
        if kind == 4 {
            Err(Malformed)
        } else {
            Ok((number, value))
        }
    }

    /// Reads a tag and its value. Groups begin with kind 3 and end with 4.
    fn part(&mut self) -> Result<(u64, u64, Value<'a>), Malformed> {
        let tag = varint(&mut self.0)?;
        let (number, kind) = (tag >> 3, tag & 7);
        if number == 0 || number >= 1 << 29 {
            return Err(Malformed);
        }
        let value = match kind {
            0 => Value::Number(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let size = varint(&mut self.0)?;
                Value::Bytes(self.take(size)?)
            }
            3 | 4 => Value::Other,
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return Err(Malformed),
        };
        Ok((number, kind, value))
    }

    fn take(&mut self, size: u64) -> Result<&'a [u8], Malformed> {
        let size = usize::try_from(size).map_err(|_| Malformed)?;
        let (taken, rest) = self.0.split_at_checked(size).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn varint(input: &mut &[u8]) -> Result<u64, Malformed> {
    let mut n = 0;
    for i in 0..10 {
        let (&c, rest) = input.split_first().ok_or(Malformed)?;
        *input = rest;
        if i == 9 && c > 1 {
            return Err(Malformed);
        }
        n |= u64::from(c & 0x7f) << (7 * i);
        if c < 0x80 {
            return Ok(n);
        }
    }
    Err(Malformed)
}
