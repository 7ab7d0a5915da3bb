//! The screen: the tables of [`View`], again and again, until `q`. It is made for 80 columns and 24
//! lines: what has no room there, wider and taller screens show.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table as Shown};
use ratatui::{DefaultTerminal, Frame};

use super::view::{Mark, Sort, Table, View};

/// Looks that the history of a class holds.
const HISTORY: usize = 20;
/// Lines from which the queues have a table of their own.
const TALL: u16 = 30;
/// Between two columns.
const GAP: u16 = 2;

/// The shares of their budgets that classes used, the last looks at them.
#[derive(Debug, Default)]
struct History(Vec<VecDeque<Option<f64>>>);

impl History {
    fn note(&mut self, used: &[Option<f64>]) {
        self.0.resize(used.len(), VecDeque::new());
        for (all, used) in self.0.iter_mut().zip(used) {
            all.push_back(*used);
            if all.len() > HISTORY {
                all.pop_front();
            }
        }
    }

    /// A bar for each look: the highest is the whole budget, or more.
    fn bars(&self, class: usize) -> String {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let bar = |used: &Option<f64>| match used {
            Some(used) => {
                let step = (used.clamp(0.0, 1.0) * 7.0).round() as usize;
                BARS.get(step).copied().unwrap_or(' ')
            }
            None => ' ',
        };
        self.0.get(class).into_iter().flatten().map(bar).collect()
    }
}

/// Shows what `look` sees every so often. What it saw last stays on the screen
/// when it fails, with the reason.
pub(super) fn run(
    every: Duration,
    sort: Sort,
    mut look: impl FnMut(Sort) -> Result<View, String>,
) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let shown = show(&mut terminal, every, sort, &mut look);
    ratatui::restore();
    shown
}

fn show(
    terminal: &mut DefaultTerminal,
    every: Duration,
    mut sort: Sort,
    look: &mut impl FnMut(Sort) -> Result<View, String>,
) -> io::Result<()> {
    let mut view = View::default();
    let mut history = History::default();
    loop {
        let trouble = match look(sort) {
            Ok(seen) => {
                history.note(&seen.used);
                view = seen;
                None
            }
            Err(message) => Some(message),
        };
        terminal.draw(|frame| draw(frame, &view, &history, sort, trouble.as_deref()))?;
        // Waits for a key, and looks again when none came.
        while event::poll(every)? {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let stop = key.modifiers.contains(KeyModifiers::CONTROL)
                        && key.code == KeyCode::Char('c');
                    if stop || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                        return Ok(());
                    }
                    if key.code == KeyCode::Char('s') {
                        sort = sort.next();
                    }
                    break;
                }
                Event::Resize(..) => break,
                _ => {}
            }
        }
    }
}

fn draw(frame: &mut Frame<'_>, view: &View, history: &History, sort: Sort, trouble: Option<&str>) {
    let area = frame.area();
    let width = usize::from(area.width);
    let tall = area.height >= TALL;
    let mut classes = view.classes.clone();
    if !classes.head.is_empty() {
        classes.head.insert(1, "LATELY");
        for (class, (_, row)) in classes.rows.iter_mut().enumerate() {
            row.insert(1, history.bars(class));
        }
    }
    let title = wrapped(&view.title, width);
    let mut lines: Vec<Line<'_>> =
        title.into_iter().map(|line| Line::styled(line, Modifier::BOLD)).collect();
    lines.extend(view.facts.iter().flat_map(|fact| wrapped(fact, width)).map(Line::from));
    if !tall {
        lines.extend(wrapped(&queues(&view.lanes), width).into_iter().map(Line::from));
    }
    let high = |table: &Table| table.rows.len() as u16 + 3;
    let areas = Layout::vertical([
        Constraint::Length(lines.len() as u16),
        Constraint::Length(high(&classes)),
        Constraint::Length(if tall { high(&view.lanes) } else { 0 }),
        Constraint::Min(4),
        Constraint::Length(1),
    ])
    .split(area);
    frame.render_widget(Paragraph::new(lines), areas[0]);
    let requests = match sort {
        Sort::Duration => "requests, the slowest first",
        Sort::Time => "requests, the newest first",
        Sort::Name => "requests, by name",
    };
    frame.render_widget(shown("budgets", &classes, width), areas[1]);
    if tall {
        frame.render_widget(shown("queues", &view.lanes, width), areas[2]);
    }
    frame.render_widget(shown(requests, &view.slow, width), areas[3]);
    let foot = match trouble {
        Some(trouble) => Line::styled(trouble.to_owned(), Color::Red),
        None => Line::styled(
            "q ends · s sorts · svgx trace TRACE --text shows one of them",
            Modifier::DIM,
        ),
    };
    frame.render_widget(foot, areas[4]);
}

/// The queues in a line: what waits and runs in each.
fn queues(lanes: &Table) -> String {
    let lane = |(_, row): &(Mark, Vec<String>)| match row.as_slice() {
        [name, waiting, running, workers, ..] => {
            format!("{name} {waiting} waiting, {running} of {workers} running")
        }
        _ => String::new(),
    };
    let all: Vec<String> = lanes.rows.iter().map(lane).collect();
    format!("queues {}", all.join(" · "))
}

/// A line of facts with dots between them, broken at the dots.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in text.split(" · ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + fact.chars().count() <= width => {
                line.push_str(" · ");
                line.push_str(fact);
            }
            _ => lines.push(fact.to_owned()),
        }
    }
    lines
}

fn shown<'t>(title: &'static str, table: &'t Table, width: usize) -> Shown<'t> {
    // Within its border.
    let columns = table.columns(width.saturating_sub(2), usize::from(GAP));
    let rows = table.rows.iter().map(|(mark, row)| {
        let style = match mark {
            Mark::Good => Style::new(),
            Mark::Warn => Style::new().fg(Color::Yellow),
            Mark::Bad => Style::new().fg(Color::Red),
        };
        let cells = columns.iter().filter_map(|at| row.get(*at));
        Row::new(cells.map(|cell| Cell::from(cell.as_str())).collect::<Vec<_>>()).style(style)
    });
    let widths = table.widths();
    let widths = columns.iter().filter_map(|at| widths.get(*at));
    let widths: Vec<Constraint> = widths.map(|w| Constraint::Length(*w as u16)).collect();
    let head = columns.iter().filter_map(|at| table.head.get(*at).copied());
    Shown::new(rows, widths)
        .header(Row::new(head.collect::<Vec<_>>()).style(Modifier::DIM))
        .column_spacing(GAP)
        .block(Block::bordered().title(title))
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;

    fn view() -> View {
        let class = |name: &str, p95: f64, budget: f64| {
            json!({"class": name, "budget_ms": budget, "p95_ms": p95, "closed": false,
                "offered": 0.5, "delivered": [1, 2, 3],
                "windows": [{"window": "12s", "admitted_ratio": 0.75, "burn_rate": 4.0}]})
        };
        let lane = |name: &str| json!({"lane": name, "waiting": 2, "running": 1, "workers": 2, "backlog_ms": 3.5});
        let slo = json!({
            "mode": "on", "tier": "edit", "capacity": 1.5, "cores": 2.0, "stale": false,
            "classes": [class("ui", 8.0, 16.0), class("redraw", 4.0, 32.0), class("physics", 120.0, 100.0)],
            "lanes": [lane("urgent"), lane("physics"), lane("batch")],
        });
        let page = "target_info{service_name=\"svgx-engine\",service_version=\"0.1.0\",\
                    deployment_environment_name=\"development\"} 1\nprocess_uptime_seconds 3725\n";
        let traces: Vec<_> = (0..12)
            .map(|n| {
                json!({"duration_ms": 9.5 + f64::from(n), "name": "POST /compile/svg", "outcome": "over_budget",
                    "began": "2026-11-25T03:04:05.678901Z",
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"})
            })
            .collect();
        View::of("127.0.0.1:9464", &slo, page, &traces, Sort::Duration)
    }

    /// What a screen of this size shows.
    fn screen(width: u16, height: u16, history: &History) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let view = view();
        terminal
            .draw(|frame| draw(frame, &view, history, Sort::Duration, None))
            .expect("it is drawn");
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).filter_map(|x| Some(buffer.cell((x, y))?.symbol())).collect();
        (0..height).map(line).collect()
    }

    #[test]
    fn eighty_columns_and_twenty_four_lines_are_enough() {
        let mut history = History::default();
        for used in [0.0, 0.5, 1.0, 2.0] {
            history.note(&[Some(used), None, Some(1.2)]);
        }
        let lines = screen(80, 24, &history);
        let all = lines.join("\n");
        for part in [
            "svgx-engine 0.1.0",
            "up 1 h 2 min",
            "urgent 2 waiting, 1 of 2 running",
            "LATELY",
            "BUDGET",
            "USED",
            "SHED 12s",
            "physics",
            "120 %",
            "▁▅██",
            "requests, the slowest first",
            "20.50 ms",
            "POST /compile/svg",
            "over_budget",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "q ends",
        ] {
            assert!(all.contains(part), "{part} is not shown:\n{all}");
        }
        let requests = lines.iter().filter(|l| l.contains("4bf92f35")).count();
        assert!(requests >= 4, "{requests} requests:\n{all}");
        // A tall and wide one shows the rest.
        let all = screen(160, 50, &history).join("\n");
        for part in ["queues", "BACKLOG", "ANSWERS ui/edit/compute", "OFFERED", "AT (UTC)"] {
            assert!(all.contains(part), "{part} is not shown:\n{all}");
        }
    }

    #[test]
    fn the_history_holds_the_last_looks_and_no_more() {
        let mut history = History::default();
        for n in 0..3 * HISTORY {
            history.note(&[Some(n as f64 / (3 * HISTORY) as f64)]);
        }
        assert_eq!(history.bars(0).chars().count(), HISTORY);
        assert_eq!(history.bars(7), "");
    }
}
