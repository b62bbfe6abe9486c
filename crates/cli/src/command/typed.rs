//! A task's command as a person would type it: for `--dry-run`, `-v` and the job log.

/// The text that a POSIX shell reads as these words. What is run as `sh -c TEXT` is TEXT itself: who
/// types it has his shell.
pub fn typed(words: &[Vec<u8>]) -> Vec<u8> {
    if let [shell, flag, text] = words
        && is_shell(shell)
        && flag == b"-c"
    {
        return text.clone();
    }
    let mut line = Vec::new();
    for word in words {
        if !line.is_empty() {
            line.push(b' ');
        }
        push_quoted(&mut line, word);
    }
    line
}

fn is_shell(program: &[u8]) -> bool {
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    [&b"sh"[..], b"dash", b"bash"].contains(&name)
}

fn push_quoted(line: &mut Vec<u8>, word: &[u8]) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:,@%+".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        return line.extend_from_slice(word);
    }
    line.push(b'\'');
    for (n, piece) in word.split(|byte| *byte == b'\'').enumerate() {
        if n > 0 {
            line.extend_from_slice(b"'\\''");
        }
        line.extend_from_slice(piece);
    }
    line.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_have_to_be() {
        let typed = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            String::from_utf8(typed(&words)).unwrap()
        };
        assert_eq!(typed(&["gzip", "-9", "a/b.log"]), "gzip -9 a/b.log");
        assert_eq!(typed(&["echo", "a b", "", "it's", "$x"]), r"echo 'a b' '' 'it'\''s' '$x'");
        assert_eq!(typed(&["sh", "-c", "echo a; exit 1"]), "echo a; exit 1");
        assert_eq!(typed(&["sh", "-c", "echo $0", "x"]), "sh -c 'echo $0' x");
    }
}
