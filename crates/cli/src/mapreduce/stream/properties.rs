//! `-D name=value`, in the spellings of Hadoop 1 and later, and flags that say the same.

use crate::args::StreamArgs;
use crate::exit::bad_usage;
use anyhow::Result;
use std::collections::BTreeMap;

/// Names of Hadoop 1, and what they became.
const RENAMED: [(&str, &str); 22] = [
    ("mapred.reduce.tasks", "mapreduce.job.reduces"),
    ("mapred.map.tasks", "mapreduce.job.maps"),
    ("mapred.job.name", "mapreduce.job.name"),
    ("map.output.key.field.separator", "mapreduce.map.output.key.field.separator"),
    ("mapred.text.key.partitioner.options", "mapreduce.partition.keypartitioner.options"),
    ("mapred.text.key.comparator.options", "mapreduce.partition.keycomparator.options"),
    ("mapred.output.key.comparator.class", "mapreduce.job.output.key.comparator.class"),
    ("mapred.partitioner.class", "mapreduce.job.partitioner.class"),
    ("mapred.map.max.attempts", "mapreduce.map.maxattempts"),
    ("mapred.reduce.max.attempts", "mapreduce.reduce.maxattempts"),
    ("mapred.textoutputformat.separator", "mapreduce.output.textoutputformat.separator"),
    ("mapred.max.split.size", "mapreduce.input.fileinputformat.split.maxsize"),
    ("mapred.min.split.size", "mapreduce.input.fileinputformat.split.minsize"),
    ("mapred.line.input.format.linespermap", "mapreduce.input.lineinputformat.linespermap"),
    ("mapred.input.dir", "mapreduce.input.fileinputformat.inputdir"),
    ("mapred.output.dir", "mapreduce.output.fileoutputformat.outputdir"),
    ("mapred.output.compress", "mapreduce.output.fileoutputformat.compress"),
    ("mapred.compress.map.output", "mapreduce.map.output.compress"),
    ("mapred.map.tasks.speculative.execution", "mapreduce.map.speculative"),
    ("mapred.reduce.tasks.speculative.execution", "mapreduce.reduce.speculative"),
    ("mapred.task.timeout", "mapreduce.task.timeout"),
    ("mapred.job.queue.name", "mapreduce.job.queuename"),
];

/// Names that something here depends on.
const KNOWN: [&str; 23] = [
    "mapreduce.job.reduces",
    "mapreduce.job.name",
    "mapreduce.map.output.key.field.separator",
    "mapreduce.partition.keypartitioner.options",
    "mapreduce.partition.keycomparator.options",
    "mapreduce.job.output.key.comparator.class",
    "mapreduce.job.partitioner.class",
    "mapreduce.map.maxattempts",
    "mapreduce.reduce.maxattempts",
    "mapreduce.output.textoutputformat.separator",
    "mapreduce.input.fileinputformat.split.maxsize",
    "mapreduce.input.fileinputformat.split.minsize",
    "num.key.fields.for.partition",
    "stream.map.output.field.separator",
    "stream.num.map.output.key.fields",
    "stream.reduce.input.field.separator",
    "stream.reduce.output.field.separator",
    "stream.num.reduce.output.key.fields",
    "stream.non.zero.exit.is.failure",
    "stream.map.input.field.separator",
    "stream.map.input.ignoreKey",
    "mapreduce.input.lineinputformat.linespermap",
    // As many maps as there are splits: a hint there, too.
    "mapreduce.job.maps",
];

/// What was set.
pub struct Properties {
    /// By the later name.
    set: BTreeMap<String, String>,
    /// As they were given.
    given: Vec<(String, String)>,
}

impl Properties {
    /// All of a command line.
    ///
    /// # Errors
    /// Bad usage: what is no property.
    pub fn read(args: &StreamArgs) -> Result<Properties> {
        let mut properties = Properties { set: BTreeMap::new(), given: Vec::new() };
        for text in &args.properties {
            let Some((name, value)) = text.split_once('=') else {
                return Err(bad_usage(format!("-D {text}: it is NAME=VALUE")));
            };
            properties.given.push((name.into(), value.into()));
            properties.set.insert(later(name).into(), value.into());
        }
        properties.take_flags(args);
        properties.keep_what_classes_ask_for(args);
        Ok(properties)
    }

    fn put(&mut self, name: &str, value: String) {
        self.set.insert(name.into(), value);
    }

    fn take_flags(&mut self, args: &StreamArgs) {
        let parts = args.num_reduce_tasks.or(args.data.parts);
        if let Some(parts) = parts {
            self.put("mapreduce.job.reduces", parts.to_string());
        }
        if args.key_fields != 1 {
            self.put("stream.num.map.output.key.fields", args.key_fields.to_string());
        }
        if let Some(separator) = &args.separator {
            self.put("stream.map.output.field.separator", separator.clone());
            self.put("mapreduce.map.output.key.field.separator", separator.clone());
        }
        if let Some(name) = &args.partitioner {
            self.put("mapreduce.job.partitioner.class", name.clone());
        }
    }

    /// Fields count where the class that looks at them was asked for: so it is in Hadoop. divvy's own flags need none.
    fn keep_what_classes_ask_for(&mut self, args: &StreamArgs) {
        let asks = |properties: &Properties, name: &str, class: &str| {
            properties.get(name).is_some_and(|named| named.ends_with(class))
        };
        if !asks(self, "mapreduce.job.output.key.comparator.class", "KeyFieldBasedComparator") {
            self.set.remove("mapreduce.partition.keycomparator.options");
        }
        let options = "mapreduce.partition.keypartitioner.options";
        if !asks(self, "mapreduce.job.partitioner.class", "KeyFieldBasedPartitioner") {
            self.set.remove(options);
        } else if let (None, Some(fields)) = (self.get(options), self.get("num.key.fields.for.partition")) {
            let fields = format!("-k1,{fields}");
            self.put(options, fields);
        }
        if let Some(order) = &args.order {
            self.put("mapreduce.partition.keycomparator.options", order.clone());
        }
        if let Some(partition) = &args.partition {
            self.put(options, partition.clone());
        }
    }

    /// A property, by its later name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str)
    }

    /// One that is bytes: `\t` is a tab.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let text = self.get(name).filter(|text| !text.is_empty())?;
        Some(text.replace("\\t", "\t").into_bytes())
    }

    /// One that is a number.
    ///
    /// # Errors
    /// Bad usage: it is none.
    pub fn number(&self, name: &str) -> Result<Option<u64>> {
        let read = |text: &str| {
            text.trim().parse().map_err(|_| bad_usage(format!("-D {name}={text}: it is a number from 0 on")))
        };
        self.get(name).map(read).transpose()
    }

    /// One that is `true` or `false`.
    ///
    /// # Errors
    /// Bad usage: it is neither.
    pub fn is(&self, name: &str) -> Result<Option<bool>> {
        let read = |text: &str| {
            text.trim().parse().map_err(|_| bad_usage(format!("-D {name}={text}: it is true or false")))
        };
        self.get(name).map(read).transpose()
    }

    /// Those that nothing depends on, as they were given.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.given.iter().map(|(name, _)| name.as_str()).filter(|name| !KNOWN.contains(&later(name)))
    }

    /// All, by all of their names.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let set = self.set.iter().flat_map(|(name, value)| {
            let old = RENAMED.iter().filter(move |(_, later)| later == name).map(|(old, _)| *old);
            old.chain([name.as_str()]).map(move |name| (name, value.as_str()))
        });
        given.chain(set)
    }
}

fn later(name: &str) -> &str {
    RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, later)| later)
}
