//! Tables, for a terminal and as Markdown.

/// A head, and lines below it.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    lines: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    name: String,
    /// To the left; numbers stand to the right, so that their digits are below each other.
    holds_words: bool,
}

impl Table {
    /// With these columns, of numbers. If none of them has a name there is no head.
    pub fn new(head: &[&str]) -> Table {
        let column = |name: &&str| Column { name: (*name).into(), holds_words: false };
        Table { columns: head.iter().map(column).collect(), lines: Vec::new() }
    }

    /// The same where these columns, counted from 0, hold words.
    #[must_use]
    pub fn words(mut self, columns: &[usize]) -> Table {
        columns.iter().for_each(|column| self.columns[*column].holds_words = true);
        self
    }

    /// One more line.
    ///
    /// # Panics
    /// If it has not a cell for each column.
    pub fn line(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.lines.push(cells);
    }

    /// For a terminal: columns as wide as they need to be.
    pub fn text(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| column.name.clone()).collect();
        let has_head = names.iter().any(|name| !name.is_empty());
        let all = || has_head.then_some(&names).into_iter().chain(&self.lines);
        let width = |column: usize| all().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        let shown = |line: &Vec<String>| {
            let cells = line.iter().zip(&self.columns).zip(&widths);
            let cells = cells.map(|((cell, column), &width)| column.padded(cell, width));
            format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        all().map(shown).collect()
    }

    /// For a page.
    pub fn markdown(&self) -> String {
        let row = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let head = row(self.columns.iter().map(|column| &column.name[..]).collect());
        let rule: String = self.columns.iter().map(Column::rule).collect();
        let lines = self.lines.iter().map(|line| row(line.iter().map(String::as_str).collect()));
        format!("{head}|{rule}\n{}", lines.collect::<String>())
    }
}

impl Column {
    fn padded(&self, cell: &str, width: usize) -> String {
        if self.holds_words { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
    }

    fn rule(&self) -> &'static str {
        if self.holds_words { "---|" } else { "---:|" }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn lines(mut table: Table) -> Table {
        table.line(vec!["1".into(), "10".into()]);
        table.line(vec!["100".into(), "7".into()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_need_be() {
        let table = lines(Table::new(&["n", "rate"]));
        assert_eq!(table.text(), "    n  rate\n    1    10\n  100     7\n");
        assert_eq!(table.markdown(), "| n | rate |\n|---:|---:|\n| 1 | 10 |\n| 100 | 7 |\n");
    }

    #[test]
    fn words_stand_to_the_left_and_leave_no_spaces_behind() {
        let table = lines(Table::new(&["n", "rate"]).words(&[0, 1]));
        assert_eq!(table.text(), "  n    rate\n  1    10\n  100  7\n");
        assert!(table.markdown().contains("\n|---|---|\n"));
    }

    #[test]
    fn without_names_there_is_no_head() {
        assert_eq!(lines(Table::new(&["", ""])).text(), "    1  10\n  100   7\n");
    }
}
