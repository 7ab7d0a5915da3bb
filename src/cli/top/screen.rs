//! The screen: the tables of [`View`], again and again, until `q`.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table as Shown};
use ratatui::{DefaultTerminal, Frame};

use super::view::{Mark, Table, View};

/// Shows what `look` sees every so often. What it saw last stays on the screen
/// when it fails, with the reason.
pub(super) fn run(
    every: Duration,
    mut look: impl FnMut() -> Result<View, String>,
) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let shown = show(&mut terminal, every, &mut look);
    ratatui::restore();
    shown
}

fn show(
    terminal: &mut DefaultTerminal,
    every: Duration,
    look: &mut impl FnMut() -> Result<View, String>,
) -> io::Result<()> {
    let mut view = View::default();
    loop {
        let trouble = match look() {
            Ok(seen) => {
                view = seen;
                None
            }
            Err(message) => Some(message),
        };
        terminal.draw(|frame| draw(frame, &view, trouble.as_deref()))?;
        // Waits for a key, and looks again when none came.
        while event::poll(every)? {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let stop = key.modifiers.contains(KeyModifiers::CONTROL)
                        && key.code == KeyCode::Char('c');
                    if stop || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                        return Ok(());
                    }
                    break;
                }
                Event::Resize(..) => break,
                _ => {}
            }
        }
    }
}

fn draw(frame: &mut Frame<'_>, view: &View, trouble: Option<&str>) {
    let tall = |table: &Table| table.rows.len() as u16 + 3;
    let areas = Layout::vertical([
        Constraint::Length(1 + view.facts.len() as u16),
        Constraint::Length(tall(&view.classes)),
        Constraint::Length(tall(&view.lanes)),
        Constraint::Min(4),
        Constraint::Length(1),
    ])
    .split(frame.area());
    let mut lines = vec![Line::styled(view.title.as_str(), Modifier::BOLD)];
    lines.extend(view.facts.iter().map(|fact| Line::from(fact.as_str())));
    frame.render_widget(Paragraph::new(lines), areas[0]);
    for (i, (title, table)) in
        [("budgets", &view.classes), ("queues", &view.lanes), ("requests", &view.slow)]
            .into_iter()
            .enumerate()
    {
        frame.render_widget(shown(title, table), areas[i + 1]);
    }
    let foot = match trouble {
        Some(trouble) => Line::styled(trouble.to_owned(), Color::Red),
        None => Line::styled("q ends · svgx trace TRACE --text shows one of them", Modifier::DIM),
    };
    frame.render_widget(foot, areas[4]);
}

fn shown<'t>(title: &'static str, table: &'t Table) -> Shown<'t> {
    let rows = table.rows.iter().map(|(mark, row)| {
        let style = match mark {
            Mark::Good => Style::new(),
            Mark::Warn => Style::new().fg(Color::Yellow),
            Mark::Bad => Style::new().fg(Color::Red),
        };
        Row::new(row.iter().map(|cell| Cell::from(cell.as_str()))).style(style)
    });
    let widths = table.widths().into_iter().map(|w| Constraint::Length(w as u16));
    Shown::new(rows, widths)
        .header(Row::new(table.head.iter().copied()).style(Modifier::DIM))
        .column_spacing(2)
        .block(Block::bordered().title(title))
}
