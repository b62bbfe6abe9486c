//! The chart as a picture: one drawing, by plotters, as SVG and as PNG.
//!
//! The font is a crate: a picture must not depend on what is installed where it is drawn.

use super::chart::Across;
use super::study::Study;
use crate::figures::number;
use anyhow::{Context, Result, anyhow};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::sync::Once;

const SIZE: (u32, u32) = (1_000, 640);
const FONT: &str = "divvy";
const INK: RGBColor = RGBColor(40, 44, 52);
const GRID: RGBColor = RGBColor(225, 228, 232);
const IDEAL: RGBColor = RGBColor(150, 156, 165);
const LAW: RGBColor = RGBColor(31, 111, 178);
const MEASURED: RGBColor = RGBColor(201, 79, 45);
/// Points of the law's curve: one for each few pixels.
const CURVE: u32 = 250;
/// Pixels between the numbers below the plane.
const LABEL_GAP: i32 = 34;
/// Pixels of its longest line.
const LEGEND_WIDTH: i32 = 400;
/// Room above the highest point: what is written there takes a sixth of the plane and must not hide the law.
const HEADROOM: f64 = 1.25;

type Plane<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// As SVG.
pub fn svg(study: &Study) -> String {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    // Drawing into memory cannot fail.
    let drawn = picture(&area, study);
    drop(area);
    debug_assert!(drawn.is_ok());
    text
}

/// As PNG.
///
/// # Errors
/// If the encoder gives up.
pub fn png(study: &Study) -> Result<Vec<u8>> {
    let mut pixels = vec![0; (SIZE.0 * SIZE.1 * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
        picture(&area, study).map_err(|error| anyhow!("cannot draw: {error}"))?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .context("cannot encode")?;
    Ok(bytes)
}

fn picture<B: DrawingBackend>(area: &DrawingArea<B, plotters::coord::Shift>, study: &Study) -> Drawn<B>
where
    B::ErrorType: 'static,
{
    register_font();
    area.fill(&WHITE)?;
    let (Some(first), Some(last)) = (study.rows.first(), study.rows.last()) else { return area.present() };
    let across = Across::new(first.n, last.n);
    let highest = |of: f64, row: &super::study::Row| of.max(row.high).max(row.predicted.unwrap_or(0.0));
    let top = study.rows.iter().fold(0.0, highest) * HEADROOM;
    let mut plane = ChartBuilder::on(area)
        .caption(shortened(&study.title), (FONT, 22).into_font().color(&INK))
        .margin(18)
        .x_label_area_size(58)
        .y_label_area_size(92)
        .build_cartesian_2d(-0.02..1.02, 0.0..top)?;
    let throughput =
        if study.unit.is_empty() { "throughput".into() } else { format!("throughput, {}", study.unit) };
    plane
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_labels(0)
        .y_labels(8)
        .y_label_formatter(&|value| number(*value))
        .y_desc(throughput)
        .label_style((FONT, 16).into_font().color(&INK))
        .draw()?;
    numbers_below(area, &plane, study, across)?;
    curves(&mut plane, study, across, top)?;
    measured(&mut plane, study, across)?;
    legend(area, &plane, study)?;
    area.present()
}

/// The numbers of workers that were measured, as many as have room, and what they are.
fn numbers_below<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    plane: &Plane<'_, B>,
    study: &Study,
    across: Across,
) -> Drawn<B> {
    let style = (FONT, 16).into_font().color(&INK).pos(centred());
    let mut free = i32::MIN;
    for row in &study.rows {
        let (x, y) = plane.backend_coord(&(across.place(row.n), 0.0));
        if x < free {
            continue;
        }
        free = x + LABEL_GAP;
        area.draw(&PathElement::new(vec![(x, y), (x, y + 5)], INK))?;
        area.draw(&Text::new(number(row.n), (x, y + 10), style.clone()))?;
    }
    let (x, y) = plane.backend_coord(&(0.5, 0.0));
    area.draw(&Text::new("workers", (x, y + 34), style))
}

fn centred() -> plotters::style::text_anchor::Pos {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    Pos::new(HPos::Center, VPos::Top)
}

/// What the law says, what perfect scaling would be, and the peak if there is one.
fn curves<B: DrawingBackend>(plane: &mut Plane<'_, B>, study: &Study, across: Across, top: f64) -> Drawn<B>
where
    B::ErrorType: 'static,
{
    let along = || (0..=CURVE).map(|at| f64::from(at) / f64::from(CURVE));
    let alone = study.alone.rate();
    let ideal = along().map(|place| (place, alone * across.at(place))).take_while(|(_, x)| *x <= top);
    plane.draw_series(DashedLineSeries::new(ideal, 6, 5, IDEAL.stroke_width(2)))?;
    let Ok(fit) = &study.fit else { return Ok(()) };
    let Some(curve) = fit.curve else { return Ok(()) };
    let law = along().map(|place| (place, curve.throughput(across.at(place))));
    plane.draw_series(LineSeries::new(law, LAW.stroke_width(3)))?;
    if let Some(peak) = &fit.peak {
        let place = across.place(peak.n);
        plane.draw_series(DashedLineSeries::new(
            [(place, 0.0), (place, peak.x)],
            3,
            4,
            LAW.stroke_width(1),
        ))?;
    }
    Ok(())
}

fn measured<B: DrawingBackend>(plane: &mut Plane<'_, B>, study: &Study, across: Across) -> Drawn<B>
where
    B::ErrorType: 'static,
{
    let spans = study.rows.iter().map(|row| {
        let place = across.place(row.n);
        PathElement::new(vec![(place, row.low), (place, row.high)], MEASURED.stroke_width(2))
    });
    plane.draw_series(spans)?;
    let points = study.rows.iter().map(|row| Circle::new((across.place(row.n), row.x), 5, MEASURED.filled()));
    plane.draw_series(points)?;
    Ok(())
}

/// What the colours mean, at the top left of the plane: curves come from the lower left.
fn legend<B: DrawingBackend>(
    area: &DrawingArea<B, plotters::coord::Shift>,
    plane: &Plane<'_, B>,
    study: &Study,
) -> Drawn<B> {
    let (xs, ys) = plane.plotting_area().get_pixel_range();
    let (x, mut y) = (xs.start + 16, ys.start + 10);
    let mut lines = vec![(MEASURED, "measured: middle, lowest and highest run".to_owned())];
    if let Some(law) = study.fit.as_ref().ok().and_then(|fit| fit.law) {
        lines.push((LAW, format!("{law}: {}", law.formula())));
    }
    lines.push((IDEAL, "perfect scaling".into()));
    // Curves may pass behind it.
    let corners = [(x - 6, y - 6), (x + 30 + LEGEND_WIDTH, y + 22 * lines.len() as i32)];
    area.draw(&Rectangle::new(corners, WHITE.filled()))?;
    for (colour, text) in lines {
        area.draw(&PathElement::new(vec![(x, y + 8), (x + 22, y + 8)], colour.stroke_width(3)))?;
        area.draw(&Text::new(text, (x + 30, y), (FONT, 16).into_font().color(&INK)))?;
        y += 22;
    }
    Ok(())
}

/// A command may be long.
fn shortened(title: &str) -> String {
    const CHARS: usize = 80;
    let clean = title.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = clean.clone().take(CHARS).collect();
    if clean.count() > CHARS { short + "..." } else { short }
}

fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let added =
            plotters::style::register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
        assert!(added.is_ok(), "the font that comes along is one");
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_model::fit::Point;

    fn study() -> Study {
        let points = [(1.0, 10.0), (2.0, 19.0), (4.0, 34.0), (8.0, 50.0)].map(|(n, x)| Point::new(n, x));
        Study::of_points("a < b & c".into(), points.to_vec(), 1).unwrap()
    }

    #[test]
    fn an_svg_has_every_point_and_harmless_text() {
        let svg = svg(&study());
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(
            svg.contains("a &lt; b &amp; c") && svg.contains("perfect scaling") && svg.ends_with("</svg>\n")
        );
    }

    #[test]
    fn a_png_shows_the_colours_of_what_is_drawn() {
        let bytes = png(&study()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let count = |colour: RGBColor| {
            pixels.chunks_exact(3).filter(|p| *p == [colour.0, colour.1, colour.2]).count()
        };
        for colour in [MEASURED, LAW, IDEAL, INK] {
            assert!(count(colour) > 50, "{colour:?}: {}", count(colour));
        }
    }
}
