//! The examples of GNU parallel's tutorial, read from the page that its package installs.
//!
//! The page has its own licence and stays where it is: nothing of it is in this repository. An example is known by
//! its section, its number there, and a fingerprint of its text, which another version of the page would change.

use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = "/usr/share/doc/parallel/parallel_tutorial.html";

/// One example: what a reader is told to type. What the page shows as the answer is no example.
#[derive(Debug, Clone)]
pub(super) struct Example {
    /// The section's name in the page's own links.
    pub(super) section: String,
    /// Counts the examples of the section, from 1.
    pub(super) number: u32,
    /// FNV-1a of the text.
    pub(super) fingerprint: u32,
    pub(super) text: String,
}

/// The page, and which GNU parallel it came with.
pub(super) struct Page {
    pub(super) version: String,
    pub(super) examples: Vec<Example>,
}

impl Page {
    /// The installed page; `None`, and a word about it, where GNU parallel or its page is not to be had.
    pub(super) fn installed() -> Option<Page> {
        let said = Command::new("parallel").arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        // moreutils has a program of the same name.
        let version = said.lines().next()?.strip_prefix("GNU parallel ")?.to_owned();
        Path::new(PAGE).exists().then(|| {
            let html = fs::read_to_string(PAGE).unwrap();
            Page { version, examples: examples(&html) }
        })
    }
}

/// A piece of the page, in its order.
enum Piece<'a> {
    Section(&'a str),
    Paragraph(&'a str),
    Code(&'a str),
}

fn examples(html: &str) -> Vec<Example> {
    let (mut section, mut before, mut number) = ("", "", 0);
    let mut examples = Vec::new();
    for piece in pieces(html) {
        match piece {
            Piece::Section(id) => (section, before, number) = (id, "", 0),
            Piece::Paragraph(text) => before = text,
            Piece::Code(text) => {
                if !introduces_an_answer(std::mem::take(&mut before)) {
                    number += 1;
                    let text = plain(text);
                    let fingerprint = fingerprint(text.as_bytes());
                    examples.push(Example { section: section.to_owned(), number, fingerprint, text });
                }
            }
        }
    }
    examples
}

fn introduces_an_answer(paragraph: &str) -> bool {
    ["Output", "Generated files", "These files"].iter().any(|words| paragraph.starts_with(words))
}

fn pieces(html: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let (piece, end) = if let Some(code) = between(rest, "<pre><code>", "</code></pre>") {
            (Some(Piece::Code(code.0)), code.1)
        } else if let Some(paragraph) = between(rest, "<p>", "</p>") {
            (Some(Piece::Paragraph(paragraph.0)), paragraph.1)
        } else {
            (section(rest).map(Piece::Section), 1)
        };
        pieces.extend(piece);
        rest = &rest[end..];
    }
    pieces
}

/// The id of the heading that `html` starts with.
fn section(html: &str) -> Option<&str> {
    let level = html.strip_prefix("<h")?;
    let id = level.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(" id=\"")?;
    Some(&id[..id.find('"')?])
}

/// What lies between an opening at the very start and the next closing, and where that ends.
fn between<'a>(html: &'a str, open: &str, close: &str) -> Option<(&'a str, usize)> {
    let inner = html.strip_prefix(open)?;
    let len = inner.find(close)?;
    Some((&inner[..len], open.len() + len + close.len()))
}

fn plain(html: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")];
    let text = entities.iter().fold(html.to_owned(), |text, (entity, c)| text.replace(entity, c));
    // Last, or `&amp;lt;` would be taken for a bracket.
    text.replace("&amp;", "&")
}

fn fingerprint(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

#[test]
fn examples_are_told_from_their_answers() {
    let html = "<h2 id=\"A-b\">A b</h2><p>Type <b>this</b>:</p><pre><code>a &amp;&amp; b &gt; c</code></pre>\
                <p>Output:</p><pre><code>x</code></pre><p>Or:</p><pre><code>d</code></pre>";
    let found: Vec<_> = examples(html).into_iter().map(|e| (e.section, e.number, e.text)).collect();
    assert_eq!(found, [("A-b".into(), 1, "a && b > c".into()), ("A-b".into(), 2, "d".into())]);
}
