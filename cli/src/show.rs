//! Answers to people and to programs. Answers go to standard output, everything said on the way to standard error.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use proto::{JobStatusResponse, JobSummary, VertexSummary};
use serde_json::{Value, json};
use streaming::graph::explain::explain;
use streaming::job::{Diagnostic, JobErrors};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::job_file::Submission;
use crate::out::line;

pub struct Printer {
    json: bool,
    verbose: bool,
    /// Whether a person reads standard error.
    terminal: bool,
}

impl Printer {
    pub fn new(arguments: &Arguments) -> Self {
        Self {
            json: arguments.output.is_json(),
            verbose: arguments.verbose,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Said only to those who asked for more.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            eprintln!("{text}");
        }
    }

    pub fn note(&self, text: &str) {
        eprintln!("{text}");
    }

    pub fn warning(&self, warning: &Diagnostic) {
        eprintln!("warning: {warning}");
    }

    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let errors = match failure {
                Failure::Invalid(JobErrors { diagnostics }) => json!(diagnostics),
                other => json!([{ "message": other.to_string() }]),
            };
            return print_json(&json!({ "errors": errors }));
        }
        match failure {
            Failure::Invalid(JobErrors { diagnostics }) => self.diagnostics(diagnostics),
            other => eprintln!("error: {other}"),
        }
    }

    fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            eprintln!("{diagnostic}");
            let excerpt = diagnostic.excerpt();
            if self.terminal && !excerpt.is_empty() {
                eprintln!("{excerpt}\n");
            }
        }
        let count = diagnostics.len();
        eprintln!(
            "error: the job has {count} mistake{}",
            if count == 1 { "" } else { "s" }
        );
    }

    pub fn explain(&self, submission: &Submission) {
        let Submission { job, graph, .. } = submission;
        if self.json {
            // Options may hold secrets.
            let text = json!({ "name": job.name, "graph": graph, "slots": graph.slots() }).to_string();
            line!("{}", streaming::job::redact(&text, &job.secrets));
        } else {
            crate::out::write(format_args!("{}", explain(job, graph)));
        }
    }

    pub fn submitted(&self, id: &str, name: &str, detached: bool) {
        match (self.json, detached) {
            (true, true) => print_json(&json!({ "job_id": id, "name": name })),
            (true, false) => {}
            (false, _) => line!("job {name} submitted: {id}"),
        }
    }

    pub fn ended(&self, status: &JobStatusResponse) {
        let Some(job) = &status.job else { return };
        if self.json {
            return print_json(&status_json(status));
        }
        let millis = u64::try_from(job.end_time_ms - job.start_time_ms).unwrap_or(0);
        line!(
            "job {} is {} after {}: {} records in, {} out",
            job.name,
            job.state,
            span(Duration::from_millis(millis)),
            job.records_in,
            job.records_out
        );
    }

    pub fn cancelled(&self, status: &JobStatusResponse) {
        match &status.job {
            _ if self.json => print_json(&status_json(status)),
            Some(job) => line!("job {} is {}", job.name, job.state),
            None => {}
        }
    }

    pub fn jobs(&self, jobs: &[JobSummary]) {
        if self.json {
            return print_json(&json!({ "jobs": jobs.iter().map(job_json).collect::<Vec<_>>() }));
        }
        if jobs.is_empty() {
            line!("no jobs");
            return;
        }
        let header = ["id", "name", "state", "tasks", "since", "restarts", "checkpoint"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(jobs.iter().map(|job| {
            vec![
                job.job_id.clone(),
                job.name.clone(),
                job.state.clone(),
                format!("{}/{}", job.tasks_running, job.tasks_total),
                age(job.start_time_ms),
                job.restarts.to_string(),
                checkpoint(job),
            ]
        }));
        print_table(&rows);
    }

    pub fn status(&self, status: &JobStatusResponse) {
        if self.json {
            return print_json(&status_json(status));
        }
        let Some(job) = &status.job else { return };
        let mut rows = vec![
            vec!["job".to_owned(), format!("{} ({})", job.name, job.job_id)],
            vec!["state".to_owned(), job.state.clone()],
            vec!["since".to_owned(), age(job.start_time_ms)],
            vec![
                "tasks".to_owned(),
                format!("{} of {} running", job.tasks_running, job.tasks_total),
            ],
            vec![
                "records".to_owned(),
                format!("{} in, {} out", job.records_in, job.records_out),
            ],
            vec!["checkpoint".to_owned(), checkpoint(job)],
            vec!["restarts".to_owned(), job.restarts.to_string()],
        ];
        if !job.last_failure.is_empty() {
            rows.push(vec!["last failure".to_owned(), job.last_failure.clone()]);
        }
        print_table(&rows);
        if status.vertices.is_empty() {
            return;
        }
        line!();
        let header = ["vertex", "running", "in", "out", "busy", "back-pressured"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(status.vertices.iter().map(|vertex| {
            vec![
                vertex.name.clone(),
                format!("{}/{}", vertex.running, vertex.parallelism),
                vertex.records_in.to_string(),
                vertex.records_out.to_string(),
                percent(vertex.busy_ratio),
                percent(vertex.backpressured_ratio),
            ]
        }));
        print_table(&rows);
    }

    /// Shows how a job goes: on one moving line on a terminal, else on a line per change.
    pub fn progress(&self) -> Progress {
        let bar = (self.terminal && !self.json).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise}  {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Progress {
            bar,
            quiet: self.json,
            said: (String::new(), Instant::now()),
        }
    }
}

/// The line, or the lines, that follow one job.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    said: (String, Instant),
}

/// How often a line is written where nothing moves but counts.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

impl Progress {
    pub fn show(&mut self, job: &JobSummary) {
        let change = format!("{}, {}/{} tasks", job.state, job.tasks_running, job.tasks_total);
        let mut line = format!("{change}, {} records in, {} out", job.records_in, job.records_out);
        if job.last_checkpoint > 0 {
            line += &format!(", checkpoint {}", checkpoint(job));
        }
        if job.restarts > 0 {
            line += &format!(", {} restarts: {}", job.restarts, job.last_failure);
        }
        self.say(change, line);
    }

    pub fn silence(&mut self, reason: &str) {
        self.say("silence".to_owned(), format!("waiting for the JobManager: {reason}"));
    }

    fn say(&mut self, change: String, line: String) {
        if let Some(bar) = &self.bar {
            return bar.set_message(line);
        }
        let due = self.said.0 != change || self.said.1.elapsed() >= LINE_INTERVAL;
        if due && !self.quiet {
            eprintln!("{line}");
            self.said = (change, Instant::now());
        }
    }

    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn print_json(value: &Value) {
    line!("{value}");
}

fn job_json(job: &JobSummary) -> Value {
    json!({
        "job_id": job.job_id,
        "name": job.name,
        "state": job.state,
        "start_time_ms": job.start_time_ms,
        "end_time_ms": job.end_time_ms,
        "tasks_total": job.tasks_total,
        "tasks_running": job.tasks_running,
        "restarts": job.restarts,
        "last_checkpoint": job.last_checkpoint,
        "last_checkpoint_time_ms": job.last_checkpoint_time_ms,
        "records_in": job.records_in,
        "records_out": job.records_out,
        "last_failure": job.last_failure,
    })
}

fn vertex_json(vertex: &VertexSummary) -> Value {
    json!({
        "name": vertex.name,
        "parallelism": vertex.parallelism,
        "running": vertex.running,
        "records_in": vertex.records_in,
        "records_out": vertex.records_out,
        "busy_ratio": vertex.busy_ratio,
        "backpressured_ratio": vertex.backpressured_ratio,
    })
}

fn status_json(status: &JobStatusResponse) -> Value {
    let mut value = status.job.as_ref().map_or_else(|| json!({}), job_json);
    value["vertices"] = status.vertices.iter().map(vertex_json).collect();
    value
}

fn percent(ratio: f64) -> String {
    format!("{:.0} %", ratio * 100.0)
}

fn checkpoint(job: &JobSummary) -> String {
    match job.last_checkpoint {
        0 => "none yet".to_owned(),
        epoch => format!("{epoch}, {}", age(job.last_checkpoint_time_ms)),
    }
}

/// `12 s ago`.
fn age(time_ms: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let then = Duration::from_millis(u64::try_from(time_ms).unwrap_or(0));
    format!("{} ago", span(now.saturating_sub(then)))
}

/// A duration in its two largest units: `450 ms`, `12 s`, `3 min 5 s`, `2 d 4 h`.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

fn print_table(rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        line!("{}", cells.join("  ").trim_end());
    }
}
