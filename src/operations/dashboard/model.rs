//! What a dashboard is, before it is anybody's JSON: [`super::json`] writes it for
//! Grafana, [`crate::preview`] draws it without.

/// One dashboard.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// Its name in addresses and of its file.
    pub uid: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it answers.
    pub description: &'static str,
    /// What the viewer may choose, beside data source, job and instance.
    pub variables: Vec<Variable>,
    /// Its panels, in rows.
    pub rows: Vec<Row>,
}

/// What the viewer may choose.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name in expressions, without the dollar.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// `label_values(...)`.
    pub query: String,
}

/// Panels under one heading.
#[derive(Clone, Debug)]
pub struct Row {
    /// The heading.
    pub title: &'static str,
    /// The panels, laid out from left to right in 24 columns.
    pub panels: Vec<Panel>,
}

/// One panel.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The heading.
    pub title: String,
    /// What is seen, and what good looks like.
    pub description: String,
    /// How it is drawn.
    pub view: View,
    /// What the numbers are.
    pub unit: Unit,
    /// Columns of 24.
    pub width: u32,
    /// Rows of 30 pixels.
    pub height: u32,
    /// What is asked.
    pub targets: Vec<Target>,
    /// From which value on which colour; the first begins at minus infinity.
    pub steps: Vec<ColourFrom>,
    /// The lowest value of the axis.
    pub min: Option<f64>,
    /// The highest value of the axis; it grows when a value is higher.
    pub soft_max: Option<f64>,
}

/// How a panel is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// Lines over time.
    Lines,
    /// Areas on top of each other over time.
    Stack,
    /// The last value, large.
    Stat,
    /// Counts per bucket over time.
    Heatmap,
    /// States over time: value and name.
    Timeline(Vec<(u32, &'static str, Colour)>),
    /// The last values with their labels; the column and the address that its cells lead to.
    Table {
        /// The label that is a link.
        column: &'static str,
        /// The address, with Grafana's `${__value.text}`.
        link: String,
    },
    /// Markdown.
    Text(String),
}

/// What numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A bare number.
    Number,
    /// Seconds.
    Seconds,
    /// A share of 1.
    Share,
    /// Requests a second.
    Rate,
    /// Bytes, in decimal multiples.
    Bytes,
    /// Millimetres.
    Millimetres,
    /// Milliseconds since 1970, shown as a date.
    Date,
}

impl Unit {
    /// Grafana's name.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Unit::Number => "short",
            Unit::Seconds => "s",
            Unit::Share => "percentunit",
            Unit::Rate => "reqps",
            Unit::Bytes => "decbytes",
            Unit::Millimetres => "lengthmm",
            Unit::Date => "dateTimeAsIso",
        }
    }
}

/// One expression and the name of its series.
#[derive(Clone, Debug)]
pub struct Target {
    /// PromQL with Grafana's variables.
    pub expr: String,
    /// `{{label}}` stands for the label's value.
    pub legend: String,
    /// Whether traces are shown on it.
    pub exemplars: bool,
}

impl Target {
    /// A target without exemplars.
    pub(crate) fn new(expr: impl Into<String>, legend: impl Into<String>) -> Target {
        Target { expr: expr.into(), legend: legend.into(), exemplars: false }
    }
}

/// The colours that say how good a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// As promised.
    Green,
    /// Worth a look.
    Yellow,
    /// Broken.
    Red,
    /// Neither good nor bad.
    Blue,
}

impl Colour {
    /// Grafana's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Colour::Green => "green",
            Colour::Yellow => "yellow",
            Colour::Red => "red",
            Colour::Blue => "blue",
        }
    }
}

/// From which value on which colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourFrom {
    /// The value; `None`: from the lowest on.
    pub from: Option<f64>,
    /// The colour.
    pub colour: Colour,
}

/// Green, then what `steps` say.
pub(crate) fn good_until(steps: &[(f64, Colour)]) -> Vec<ColourFrom> {
    let first = ColourFrom { from: None, colour: Colour::Green };
    std::iter::once(first)
        .chain(steps.iter().map(|&(from, colour)| ColourFrom { from: Some(from), colour }))
        .collect()
}

impl Panel {
    /// Lines over time, a third of the width.
    pub(crate) fn lines(
        title: impl Into<String>,
        unit: Unit,
        description: impl Into<String>,
        targets: Vec<Target>,
    ) -> Panel {
        Panel {
            title: title.into(),
            description: description.into(),
            view: View::Lines,
            unit,
            width: 8,
            height: 8,
            targets,
            steps: vec![ColourFrom { from: None, colour: Colour::Blue }],
            min: Some(0.0),
            soft_max: None,
        }
    }

    /// A large last value, a sixth of the width.
    pub(crate) fn stat(
        title: impl Into<String>,
        unit: Unit,
        description: impl Into<String>,
        targets: Vec<Target>,
    ) -> Panel {
        let lines = Panel::lines(title, unit, description, targets);
        Panel { view: View::Stat, width: 4, height: 4, min: None, ..lines }
    }

    pub(crate) fn size(self, width: u32, height: u32) -> Panel {
        Panel { width, height, ..self }
    }

    pub(crate) fn view(self, view: View) -> Panel {
        Panel { view, ..self }
    }

    pub(crate) fn steps(self, steps: Vec<ColourFrom>) -> Panel {
        Panel { steps, ..self }
    }

    pub(crate) fn up_to(self, soft_max: f64) -> Panel {
        Panel { soft_max: Some(soft_max), ..self }
    }
}

/// Where a panel stands: column, row, width, height; a heading takes one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridPosition {
    /// Columns from the left.
    pub x: u32,
    /// Rows from the top.
    pub y: u32,
    /// Columns.
    pub w: u32,
    /// Rows.
    pub h: u32,
}

/// A row's place and those of its panels, in order.
#[derive(Clone, Debug)]
pub struct Placed<'d> {
    /// The row.
    pub row: &'d Row,
    /// Where its heading stands.
    pub heading: GridPosition,
    /// Its panels with their places.
    pub panels: Vec<(&'d Panel, GridPosition)>,
}

impl Dashboard {
    /// Lays the panels out: from left to right, wrapping at 24 columns.
    pub fn layout(&self) -> Vec<Placed<'_>> {
        let mut y = 0;
        let mut placed = Vec::new();
        for row in &self.rows {
            let heading = GridPosition { x: 0, y, w: 24, h: 1 };
            y += 1;
            let (mut x, mut tallest) = (0, 0);
            let mut panels = Vec::new();
            for panel in &row.panels {
                if x + panel.width > 24 {
                    (x, y, tallest) = (0, y + tallest, 0);
                }
                panels.push((panel, GridPosition { x, y, w: panel.width, h: panel.height }));
                x += panel.width;
                tallest = tallest.max(panel.height);
            }
            y += tallest;
            placed.push(Placed { row, heading, panels });
        }
        placed
    }

    /// Every panel, in reading order.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }
}
