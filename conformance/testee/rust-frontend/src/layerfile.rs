// SPDX-License-Identifier: Apache-2.0

//! The language. Layerfile.md describes it. Numbers of fields are those of the
//! .proto files: a comment names the message.

use std::collections::{BTreeMap, BTreeSet};

use crate::line::{range, Line, Span, SPACE};
use crate::wire::Message;

/// A keyword: its name, what it needs, and how many words that are.
struct Keyword {
    name: &'static str,
    needs: &'static str,
    least: usize,
    most: usize,
}

const MANY: usize = usize::MAX;
const KEYWORDS: [Keyword; 5] = [
    Keyword { name: "from", needs: "an image", least: 1, most: 1 },
    Keyword { name: "copy", needs: "a source and a destination", least: 2, most: MANY },
    Keyword { name: "run", needs: "a command", least: 1, most: MANY },
    Keyword { name: "env", needs: "NAME=VALUE", least: 1, most: MANY },
    Keyword { name: "start", needs: "a program", least: 1, most: MANY },
];

/// zlayer.frontend.v1.TokenKind and SymbolKind
const COMMENT: u64 = 1;
const KEYWORD: u64 = 3;
const STRING: u64 = 5;
const OPERATOR: u64 = 10;
const SYMBOL_ENV: u64 = 3;
const SYMBOL_IMAGE: u64 = 4;

/// How many mistakes are reported.
const MOST: usize = 100;

/// Returns the ParseResponse for a file.
pub fn parse(name: &str, content: &[u8], tokens: bool) -> Message {
    let mut parser = Parser { asked: tokens, ..Parser::default() };
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    for (i, line) in text.split(|c| *c == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(text) => parser.line(&mut Line::new(i + 1, text)),
            Err(e) => parser.not_utf8(i + 1, line, e.valid_up_to()),
        }
    }
    parser.response(name)
}

/// zlayer.diag.v1.Diagnostic of severity error.
fn mistake(code: &str, message: &str, range: &Message, help: &str) -> Message {
    Message::new().number(1, 1).text(2, code).text(3, message).message(4, range).text(5, help)
}

/// What is known of a file while its lines are read.
#[derive(Default)]
struct Parser {
    asked: bool, // for tokens and symbols
    diagnostics: Vec<Message>,
    tokens: Vec<Message>,
    symbols: Vec<Message>,
    variables: BTreeMap<String, usize>, // their places in symbols
    comment: Vec<String>,               // the comment lines directly above
    began: Option<Message>,             // where the first "from" is
    early: bool,                        // something stands before it
    stage: Option<Message>,
    steps: Vec<Message>,
    features: BTreeSet<&'static str>,
}

impl Parser {
    fn line(&mut self, line: &mut Line) {
        let words = line.words();
        let (Some(&first), Some(&last)) = (words.first(), words.last()) else {
            return self.comment.clear();
        };
        let whole = (first.0, last.1);
        if line.text(first).starts_with('#') {
            self.token(COMMENT, line, whole);
            return self.comment.push(line.text((first.0 + 1, last.1)).trim_matches(SPACE).into());
        }
        let comment = std::mem::take(&mut self.comment).join("\n");
        let Some(keyword) = KEYWORDS.iter().find(|k| k.name == line.text(first)) else {
            return self.unknown(line, first);
        };
        self.token(KEYWORD, line, first);
        let about = Message::new().message(1, &line.range(whole)).text(2, line.text(whole)).text(3, &comment);
        if !self.placed(keyword, line, first) || !self.counted(keyword, line, first, &words[1..]) {
            return;
        }
        let rest = (words[1].0, last.1);
        match keyword.name {
            "from" => self.from(line, rest, whole, &comment),
            "copy" => self.copy(line, &words[1..], about),
            "run" => self.run(line, rest, about),
            "env" => self.env(line, first, rest, about),
            _ => self.start(line, &words[1..], about),
        }
    }

    fn unknown(&mut self, line: &mut Line, at: Span) {
        let range = line.range(at);
        let message = "this is no keyword of a Layerfile";
        let Some(meant) = suggest(line.text(at)) else {
            let help = "there are from, copy, run, env and start";
            return self.report(mistake("unknown-keyword", message, &range, help));
        };
        let edit = Message::new().message(1, &range).text(2, meant);
        let fix = Message::new().text(1, &format!("write {meant}")).message(2, &edit);
        let help = format!("did you mean {meant}?");
        self.report(mistake("unknown-keyword", message, &range, &help).message(8, &fix));
    }

    /// Looks whether a line stands where it may. What comes before "from" is
    /// still looked at.
    fn placed(&mut self, keyword: &Keyword, line: &mut Line, at: Span) -> bool {
        let range = line.range(at);
        match (&self.began, keyword.name) {
            (None, "from") => self.began = Some(range),
            (None, _) if !self.early => {
                self.early = true;
                let help = "begin with the image: from debian:12";
                self.report(mistake("from-first", "this stands before from", &range, help));
            }
            (Some(first), "from") => {
                let related = Message::new().message(1, first).text(2, "the first one");
                let again = mistake("second-from", "a Layerfile has one from", &range, "remove it");
                self.report(again.message(7, &related));
                return false;
            }
            _ => {}
        }
        true
    }

    /// Looks whether a line has as many words as it must.
    fn counted(&mut self, keyword: &Keyword, line: &mut Line, at: Span, words: &[Span]) -> bool {
        if words.len() < keyword.least {
            let message = format!("{} needs {}", keyword.name, keyword.needs);
            self.report(mistake("missing-argument", &message, &line.range(at), ""));
        } else if words.len() > keyword.most {
            let extra = (words[keyword.most].0, words[words.len() - 1].1);
            let message = format!("{} needs {} and no more", keyword.name, keyword.needs);
            self.report(mistake("extra-argument", &message, &line.range(extra), "remove it"));
        }
        (keyword.least..=keyword.most).contains(&words.len())
    }

    fn from(&mut self, line: &mut Line, image: Span, whole: Span, comment: &str) {
        self.token(STRING, line, image);
        let name = line.text(image);
        if self.asked && name != "scratch" {
            let symbol = Message::new().number(1, SYMBOL_IMAGE).text(2, name).message(4, &line.range(image));
            self.symbols.push(symbol);
        }
        let stage = Message::new().message(1, &line.word(image, true)).message(5, &line.range(whole));
        self.stage = Some(stage.text(6, line.text(whole)).text(7, comment));
    }

    fn copy(&mut self, line: &mut Line, words: &[Span], about: Message) {
        let (destination, sources) = words.split_last().expect("counted");
        let copy = self.words(1, line, sources, true);
        self.token(STRING, line, *destination);
        self.step("copy", about.message(5, &copy.message(3, &line.word(*destination, true))));
    }

    fn run(&mut self, line: &mut Line, command: Span, about: Message) {
        self.token(STRING, line, command);
        let shell = Message::new().number(1, 1).message(2, &line.word(command, false));
        self.step("exec", about.message(4, &Message::new().message(1, &shell)));
    }

    fn start(&mut self, line: &mut Line, words: &[Span], about: Message) {
        let command = self.words(2, line, words, false);
        self.step("cmd", about.message(16, &command));
    }

    fn env(&mut self, line: &mut Line, keyword: Span, rest: Span, about: Message) {
        let Some(equals) = line.text(rest).find('=').filter(|i| *i > 0) else {
            return self.report(mistake("missing-argument", "env needs NAME=VALUE", &line.range(keyword), ""));
        };
        let (name, value) = ((rest.0, rest.0 + equals), (rest.0 + equals + 1, rest.1));
        let text = line.text(name);
        if !text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
            || text.starts_with(|c: char| c.is_ascii_digit())
        {
            let help = "use letters, digits and _, and begin with no digit";
            return self.report(mistake("invalid-variable", "this is no name of a variable", &line.range(name), help));
        }
        self.token(STRING, line, name);
        self.token(OPERATOR, line, (name.1, value.0));
        self.token(STRING, line, value);
        self.variable(text, line.range(name));
        let pair = Message::new().message(1, &line.word(name, false)).message(2, &line.word(value, true));
        self.step("env", about.message(7, &Message::new().message(1, &pair)));
    }

    /// Adds words to a new message, as a repeated field, and their tokens.
    fn words(&mut self, field: u64, line: &mut Line, words: &[Span], expanded: bool) -> Message {
        words.iter().fold(Message::new(), |m, &at| {
            self.token(STRING, line, at);
            m.message(field, &line.word(at, expanded))
        })
    }

    fn step(&mut self, feature: &'static str, step: Message) {
        if self.stage.is_some() {
            self.features.insert(feature);
            self.steps.push(step);
        }
    }

    fn variable(&mut self, name: &str, range: Message) {
        if !self.asked {
            return;
        }
        if let Some(&i) = self.variables.get(name) {
            self.symbols[i] = std::mem::take(&mut self.symbols[i]).message(4, &range);
            return;
        }
        self.variables.insert(name.into(), self.symbols.len());
        self.symbols.push(Message::new().number(1, SYMBOL_ENV).text(2, name).message(3, &range));
    }

    fn token(&mut self, kind: u64, line: &mut Line, at: Span) {
        if self.asked && at.0 < at.1 {
            self.tokens.push(Message::new().number(1, kind).message(2, &line.range(at)));
        }
    }

    fn report(&mut self, diagnostic: Message) {
        if self.diagnostics.len() < MOST {
            self.diagnostics.push(diagnostic);
        }
    }

    fn not_utf8(&mut self, number: usize, line: &[u8], good: usize) {
        let text = std::str::from_utf8(&line[..good]).unwrap_or_default();
        let (bytes, units) = Line::new(number, text).columns(good);
        let range = range(number as u64, (bytes, units), (bytes + 1, units + 1));
        self.report(mistake("not-utf8", "this byte is not UTF-8", &range, "save the file as UTF-8"));
    }

    /// zlayer.frontend.v1.ParseResponse
    fn response(mut self, name: &str) -> Message {
        if self.began.is_none() && self.diagnostics.is_empty() {
            let help = "begin with the image: from debian:12";
            self.report(mistake("no-image", "there is no from", &range(1, (1, 1), (1, 1)), help));
        }
        let mut response = Message::new();
        if let Some(stage) = self.stage {
            let container = Message::new().text(1, "\\").message(3, &stage.messages(4, &self.steps));
            let build = self.features.iter().fold(Message::new(), |m, f| m.text(1, f));
            response = response.message(1, &build.text(2, name).message(3, &container));
        }
        response.messages(2, &self.diagnostics).messages(4, &self.symbols).messages(5, &self.tokens)
    }
}

/// The keyword that was probably meant.
fn suggest(written: &str) -> Option<&'static str> {
    let limit = 1 + (written.len() / 4).min(2);
    let near = |k: &&Keyword| distance(written.as_bytes(), k.name.as_bytes()) <= limit;
    let close = KEYWORDS.iter().filter(|_| written.len() <= 40).filter(near);
    close.min_by_key(|k| distance(written.as_bytes(), k.name.as_bytes())).map(|k| k.name)
}

/// How many bytes must be added, removed, changed or swapped with their
/// neighbour to make b of a. Letters of either case are the same.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let same = |x: u8, y: u8| x.eq_ignore_ascii_case(&y);
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let (last, mut row) = (&rows[i - 1], vec![i]);
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(!same(a[i - 1], b[j - 1]));
            row.push(changed.min(row[j - 1] + 1).min(last[j] + 1));
            if i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
