// SPDX-License-Identifier: Apache-2.0

//! Lines of a file: their words, and where these are.

use crate::wire::Message;

/// What separates words.
pub const SPACE: [char; 2] = [' ', '\t'];

/// Where something begins and ends in its line, in bytes.
pub type Span = (usize, usize);

/// A line, and how far its UTF-16 units are counted.
pub struct Line<'a> {
    number: u64,
    text: &'a str,
    counted: (usize, u64),
}

impl<'a> Line<'a> {
    pub fn new(number: usize, text: &'a str) -> Self {
        Line { number: number as u64, text, counted: (0, 0) }
    }

    pub fn text(&self, (start, end): Span) -> &'a str {
        &self.text[start..end]
    }

    /// The columns of an offset, from 1, in UTF-8 bytes and UTF-16 units. Only
    /// what lies between it and the last one is counted.
    pub fn columns(&mut self, offset: usize) -> (u64, u64) {
        let (last, units) = self.counted;
        let between = self.text[last.min(offset)..last.max(offset)].encode_utf16().count() as u64;
        let units = if offset < last { units - between } else { units + between };
        self.counted = (offset, units);
        (offset as u64 + 1, units + 1)
    }

    /// zlayer.diag.v1.Range
    pub fn range(&mut self, (start, end): Span) -> Message {
        let (first, last) = (self.columns(start), self.columns(end));
        range(self.number, first, last)
    }

    /// zlayer.ir.v1.Word. Where readers expand words, what would have a meaning
    /// then is escaped.
    pub fn word(&mut self, at: Span, expanded: bool) -> Message {
        let mut text = String::new();
        for c in self.text(at).chars() {
            if expanded && matches!(c, '\\' | '$' | '"' | '\'') {
                text.push('\\');
            }
            text.push(c);
        }
        Message::new().text(1, &text).message(2, &self.range(at))
    }

    /// Where its words begin and end.
    pub fn words(&self) -> Vec<Span> {
        let start = self.text.as_ptr() as usize;
        let place = |w: &str| (w.as_ptr() as usize - start, w.as_ptr() as usize - start + w.len());
        self.text.split(SPACE).filter(|w| !w.is_empty()).map(place).collect()
    }
}

/// zlayer.diag.v1.Range, in one line.
pub fn range(line: u64, first: (u64, u64), last: (u64, u64)) -> Message {
    let start = Message::new().number(2, line).number(3, first.0).number(4, first.1);
    start.number(5, line).number(6, last.0).number(7, last.1)
}
