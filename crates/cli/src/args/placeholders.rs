//! How placeholders are written in the command.

use clap::Args;
use std::ffi::OsString;

/// How placeholders are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Placeholders")]
pub struct PlaceholderArgs {
    /// Write STR instead of {}
    #[arg(short = 'I', long = "replace", value_name = "STR", allow_hyphen_values = true)]
    pub whole: Option<OsString>,
    /// The same as -I {}
    #[arg(short = 'i', hide = true, conflicts_with_all = ["whole", "repeat"])] // -iXX is not -i -X -X
    pub usual: bool,
    /// Write STR instead of {.}
    #[arg(
        hide_short_help = true,
        short = 'U',
        long = "extensionreplace",
        visible_alias = "er",
        value_name = "STR"
    )]
    pub no_extension: Option<OsString>,
    /// Write STR instead of {/}
    #[arg(hide_short_help = true, long = "basenamereplace", visible_alias = "bnr", value_name = "STR")]
    pub basename: Option<OsString>,
    /// Write STR instead of {//}
    #[arg(hide_short_help = true, long = "dirnamereplace", visible_alias = "dnr", value_name = "STR")]
    pub dirname: Option<OsString>,
    /// Write STR instead of {/.}
    #[arg(
        hide_short_help = true,
        long = "basenameextensionreplace",
        visible_alias = "bner",
        alias = "basenamenoextensionreplace",
        value_name = "STR"
    )]
    pub basename_no_extension: Option<OsString>,
    /// Write STR instead of {#}
    #[arg(hide_short_help = true, long = "seqreplace", value_name = "STR")]
    pub task_id: Option<OsString>,
    /// Write STR instead of {%}
    #[arg(hide_short_help = true, long = "slotreplace", value_name = "STR")]
    pub slot: Option<OsString>,
    /// Also {..} {...} {/..} {/...} (two and three extensions less), {+.} {+..} {+...} (these extensions), {+/}
    /// (directory, or empty)
    #[arg(hide_short_help = true, long)]
    pub plus: bool,
    /// With --shell: keep sh from giving meaning to anything in the command
    #[arg(hide_short_help = true, short = 'q', long)]
    pub quote: bool,
    /// GNU parallel's own placeholders are Perl: refused
    #[arg(long, value_name = "PERL", hide = true, allow_hyphen_values = true)]
    pub rpl: Vec<OsString>,
}
