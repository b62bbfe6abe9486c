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
    quoted(words, b"")
}

/// The words of a template as one would type them for `divvy run`. Braces need no quotes there, as long as a shell
/// makes nothing of them.
pub(super) fn typed_template(words: &[Vec<u8>]) -> String {
    String::from_utf8_lossy(&quoted(words, b"{}")).into_owned()
}

fn quoted(words: &[Vec<u8>], plain: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    for word in words {
        if !line.is_empty() {
            line.push(b' ');
        }
        // What is between braces is one of several to a shell.
        let expands = word.contains(&b',') || word.windows(2).any(|two| two == b"..");
        push_quoted(&mut line, word, if expands { b"" } else { plain });
    }
    line
}

fn is_shell(program: &[u8]) -> bool {
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    [&b"sh"[..], b"dash", b"bash"].contains(&name)
}

fn push_quoted(line: &mut Vec<u8>, word: &[u8], plain: &[u8]) {
    let is_plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:,@%+".contains(byte) || plain.contains(byte);
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

    #[test]
    fn a_template_keeps_its_braces_where_a_shell_does() {
        let typed = |words: &[&str]| {
            typed_template(&words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())
        };
        assert_eq!(typed(&["gzip", "-k", "{}", "{/.}.gz"]), "gzip -k {} {/.}.gz");
        assert_eq!(typed(&["sh", "-c", "sleep 1; echo {}"]), "sh -c 'sleep 1; echo {}'");
        assert_eq!(typed(&["echo", "{1,2}", "{1..2}"]), "echo '{1,2}' '{1..2}'");
    }
}
