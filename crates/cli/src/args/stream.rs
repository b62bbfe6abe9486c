//! `divvy mapreduce stream`, in divvy's own words and in Hadoop's.
//!
//! Hadoop's options have one dash and several letters, which is something else to us: they are written anew before
//! anything is read, so that command lines of Hadoop run as they are.

use super::{Cli, DataArgs};
use clap::{Args, CommandFactory};
use std::ffi::OsString;
use std::path::PathBuf;

/// Run scripts.
#[derive(Debug, Args)]
#[command(
    after_help = "The mapper reads lines and prints `key TAB value`; the reducer reads such lines, sorted by key. Options of\n\
                  Hadoop streaming (-mapper, -input, -output, -D, -file, -cmdenv, -numReduceTasks, ...) are understood as\n\
                  they are: docs/streaming.md has them all, and what is different.\n\n\
                  EXAMPLES:\n  divvy mapreduce --mapper ./map.py --reducer ./reduce.py books/ -o counts\n  \
                  divvy mapreduce --mapper 'grep -c error' --reducer NONE /var/log/*.log\n  \
                  divvy mapreduce -D mapreduce.job.reduces=2 -input in -output out -mapper m.py -reducer r.py -file m.py -file r.py"
)]
pub struct StreamArgs {
    /// Reads lines of the input and prints lines: a command. Without it lines are used as they are
    #[arg(long, value_name = "COMMAND")]
    pub mapper: Option<OsString>,
    /// Reads lines sorted by key and prints the output: a command, or NONE for what mappers print. Without it the sorted
    /// lines are the output
    #[arg(long, value_name = "COMMAND")]
    pub reducer: Option<OsString>,
    /// Reads sorted lines and prints fewer, before anything is written to disk
    #[arg(long, value_name = "COMMAND")]
    pub combiner: Option<OsString>,
    /// Sort by fields of the key: '-k1,1 -k2,2nr'
    #[arg(long, value_name = "KEYS", allow_hyphen_values = true)]
    pub order: Option<String>,
    /// Keys that agree in these fields go to the same reducer: '-k1,1'
    #[arg(long, value_name = "KEYS", allow_hyphen_values = true)]
    pub partition: Option<String>,
    /// Fields that the key of a line has
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub key_fields: u32,
    /// What is between fields of the mapper's lines: a tab, unless said
    #[arg(short = 't', long, value_name = "TEXT")]
    pub separator: Option<String>,
    /// A variable for the processes: NAME=VALUE
    #[arg(long = "env", visible_alias = "cmdenv", value_name = "NAME=VALUE")]
    pub cmdenv: Vec<OsString>,
    /// A file that the processes find in their directory, which is then one of their own
    #[arg(long, visible_alias = "files", value_name = "FILE", value_delimiter = ',')]
    pub file: Vec<PathBuf>,
    /// A tar (also .tar.gz, .tgz) or zip file, unpacked into a directory of its name, or of what is behind #, in theirs
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub archives: Vec<PathBuf>,
    /// A property of Hadoop
    #[arg(short = 'D', value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub properties: Vec<String>,
    /// What is read
    #[arg(long, value_name = "INPUT")]
    pub input: Vec<PathBuf>,
    /// Parts of the output, each by a reducer of its own; 0 is the same as --reducer NONE
    #[arg(long, visible_alias = "reduces", value_name = "N")]
    pub num_reduce_tasks: Option<u32>,
    #[arg(long, hide = true)]
    pub partitioner: Option<String>,
    #[arg(long, hide = true)]
    pub inputformat: Option<String>,
    #[arg(long, hide = true)]
    pub outputformat: Option<String>,
    #[arg(long, hide = true)]
    pub io: Option<String>,
    #[arg(long, hide = true)]
    pub lazy_output: bool,
    #[arg(long, hide = true)]
    pub verbose: bool,
    /// An option of Hadoop that divvy does not have.
    #[arg(long, hide = true)]
    pub lacking: Option<String>,
    /// The command line is one of Hadoop's.
    #[arg(long, hide = true)]
    pub hadoop: bool,
    #[command(flatten)]
    pub data: DataArgs,
}

/// Options of Hadoop with a value, and what they are called here.
const VALUED: [(&str, &str); 17] = [
    ("-mapper", "--mapper"),
    ("-reducer", "--reducer"),
    ("-combiner", "--combiner"),
    ("-input", "--input"),
    ("-output", "--out"),
    ("-file", "--file"),
    ("-files", "--file"),
    ("-cacheFile", "--file"),
    ("-archives", "--archives"),
    ("-cacheArchive", "--archives"),
    ("-cmdenv", "--env"),
    ("-numReduceTasks", "--num-reduce-tasks"),
    ("-partitioner", "--partitioner"),
    ("-inputformat", "--inputformat"),
    ("-outputformat", "--outputformat"),
    ("-io", "--io"),
    ("-jobconf", "-D"),
];

/// The same without a value.
const BARE: [(&str, &str); 2] = [("-lazyOutput", "--lazy-output"), ("-verbose", "--verbose")];

/// Options of Hadoop that mean nothing here, all with a value.
const LACKING: [&str; 9] = [
    "-conf",
    "-dfs",
    "-fs",
    "-inputreader",
    "-jt",
    "-libjars",
    "-mapdebug",
    "-reducedebug",
    "-additionalconfspec",
];

/// A command line, with Hadoop's options in it written as divvy's.
pub fn hadoop_words(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let words: Vec<OsString> = words.collect();
    let Some(verb) = verb_at(&words) else { return words };
    let (before, behind) = words.split_at(verb + 1);
    let is_named = behind.first().is_some_and(|word| word == "stream");
    if !is_named && !is_stream(behind) {
        return words;
    }
    let mut written = before.to_vec();
    written.push("stream".into());
    let mut behind = behind.iter().skip(usize::from(is_named)).cloned();
    let mut is_hadoop = false;
    while let Some(word) = behind.next() {
        let text = word.to_str().unwrap_or_default();
        let of = |list: &[(&str, &'static str)]| {
            list.iter().find(|(theirs, _)| *theirs == text).map(|(_, ours)| *ours)
        };
        let valued = of(&VALUED);
        let lacking = LACKING.contains(&text);
        is_hadoop |= valued.or(of(&BARE)).is_some() || lacking;
        match valued.or(of(&BARE)) {
            Some(ours) => written.push(ours.into()),
            None if lacking => written.push(format!("--lacking={text}").into()),
            None => written.push(word.clone()),
        }
        if lacking {
            // What it would have been is not looked at.
            let _ = behind.next();
        } else if valued.is_some() {
            written.extend(behind.next());
        }
    }
    if is_hadoop {
        written.insert(verb + 2, "--hadoop".into());
    }
    written
}

/// Where the verb is, behind the only flag that may stand in front of it.
fn verb_at(words: &[OsString]) -> Option<usize> {
    let at = match words.get(1)?.to_str()? {
        "--output" => 3,
        flag if flag.starts_with("--output=") => 2,
        _ => 1,
    };
    words.get(at).filter(|word| *word == "mapreduce" || *word == "mr").map(|_| at)
}

/// Whether words behind the verb that do not name a program are about scripts.
fn is_stream(words: &[OsString]) -> bool {
    let Some(first) = words.first().and_then(|word| word.to_str()) else { return false };
    let mut cli = Cli::command();
    let verb = cli.find_subcommand_mut("mapreduce").expect("there is this verb");
    if first == "help" || verb.find_subcommand(first).is_some() {
        return false;
    }
    words.iter().any(|word| {
        let word = word.to_str().unwrap_or_default();
        let (name, _) = word.split_once('=').unwrap_or((word, ""));
        matches!(name, "-mapper" | "--mapper" | "-reducer" | "--reducer" | "-input" | "-numReduceTasks")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{MapReduceProgram, Verb};
    use clap::Parser;

    fn written(line: &str) -> String {
        let words = hadoop_words(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn hadoops_options_become_ours() {
        assert_eq!(
            written("divvy mapreduce -D a=b -input x -output y -mapper -input -lazyOutput -libjars q"),
            "divvy mapreduce stream --hadoop -D a=b --input x --out y --mapper -input --lazy-output --lacking=-libjars"
        );
        assert_eq!(written("divvy mr --mapper cat x -o y"), "divvy mr stream --mapper cat x -o y");
        assert_eq!(
            written("divvy --output json mr stream --reducer=wc"),
            "divvy --output json mr stream --reducer=wc"
        );
    }

    #[test]
    fn other_lines_stay_what_they_are() {
        for line in [
            "divvy mapreduce sort -k 1 --mapper x",
            "divvy run -input ::: x",
            "divvy mapreduce --help",
            "divvy mapreduce",
            "divvy",
        ] {
            assert_eq!(written(line), line);
        }
    }

    #[test]
    fn a_line_of_hadoop_is_read_whole() {
        let line = "divvy mapreduce -Da.b=-k1,2 -D c=d -files a,b -file c -input x -input y -output z -mapper m.py \
                    -cmdenv K=V -numReduceTasks 0 -verbose";
        let cli = Cli::try_parse_from(hadoop_words(line.split_whitespace().map(OsString::from))).unwrap();
        let Verb::MapReduce(args) = cli.verb else { panic!("another verb") };
        let MapReduceProgram::Stream(args) = args.program else { panic!("another program") };
        assert_eq!(args.properties, ["a.b=-k1,2", "c=d"]);
        assert_eq!((args.file.len(), args.input.len(), args.num_reduce_tasks), (3, 2, Some(0)));
        assert!(args.hadoop && args.verbose && args.data.out.as_os_str() == "z");
    }
}
