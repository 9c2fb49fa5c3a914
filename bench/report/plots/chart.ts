/**
 * What all plots share: size, type, axes and the way to SVG.
 *
 * Logarithmic axes are linear ones over logarithms with ticks of our own: labels then stand at values that people use
 * (99.9 %, 5 ms), whether the data span a tenth or six decades. What cannot be drawn on one (0, nothing) must be left out
 * before it comes here. The same option gives the same SVG, byte for byte.
 *
 * @module
 */
import { type EChartsOption, init, type LineSeriesOption, type SeriesOption } from "echarts";
import type { Look } from "../palette.ts";

export interface Plot {
  /** Of its file, without ending. */
  readonly name: string;
  readonly title: string;
  /** What is to be seen, for a caption, and for those who cannot see it. */
  readonly about: string;
  readonly section: "tax" | "cpu" | "other";
  readonly svg: string;
}

export interface Axis {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly Tick[];
}

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Line {
  readonly name: string;
  readonly look: Look;
  /** In axis units, so logarithms on a logarithmic axis. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Marks at the points; for lines of few. */
  readonly marked?: boolean;
  /** Bars from low to high, one per point where there is an interval. */
  readonly bars?: readonly (readonly [x: number, low: number, high: number])[];
}

export interface Shade {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

export interface LineChart {
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  readonly shade?: Shade;
  /** Heights of horizontal lines that figures are read against; the subtitle says what they are. */
  readonly rules?: readonly number[];
}

export const WIDTH = 900;
export const HEIGHT = 500;
export const INK = "#1b1f24";
export const SOFT = "#5b6570";
const GRID = "#e3e7eb";
// Without double quotes: they would end the attribute that it is written into.
const FONT = "system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif";
const LEGEND_WIDTH = 230;

export function lineChart(chart: LineChart): EChartsOption {
  const rows = Math.max(1, chart.lines.length);
  return {
    ...frame(chart.title, chart.subtitle),
    legend: {
      orient: "vertical",
      left: WIDTH - LEGEND_WIDTH,
      top: 80,
      itemWidth: 30,
      itemHeight: 10,
      itemGap: Math.max(2, Math.min(12, 380 / rows - 16)),
      textStyle: {
        color: INK,
        fontSize: rows > 18 ? 10 : 12,
        width: LEGEND_WIDTH - 48,
        overflow: "truncate",
      },
      data: chart.lines.map(({ name }) => name),
    },
    grid: { left: 94, right: LEGEND_WIDTH + 20, top: 80, bottom: 62 },
    xAxis: { ...axis(chart.x), nameGap: 34 },
    yAxis: { ...axis(chart.y), nameGap: 66, nameRotate: 90 },
    // Ours is listed first and drawn first: thin lines over its thick one leave both to be seen.
    series: chart.lines.flatMap((line, index) => lineSeries(line, chart, index)),
  };
}

export function frame(title: string, subtitle: string): EChartsOption {
  return {
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: FONT, color: INK },
    title: {
      text: title,
      subtext: subtitle,
      left: 16,
      top: 12,
      textStyle: { color: INK, fontSize: 18, fontWeight: 600 },
      subtextStyle: { color: SOFT, fontSize: 12.5 },
    },
  };
}

export function axis({ name, min, max, ticks }: Axis) {
  const at = ticks.map((tick) => tick.at);
  return {
    type: "value" as const,
    name,
    nameLocation: "middle" as const,
    nameTextStyle: { color: INK, fontSize: 13 },
    min,
    max,
    axisLine: { show: true, onZero: false, lineStyle: { color: SOFT } },
    axisTick: { show: true, customValues: at },
    axisLabel: {
      color: INK,
      fontSize: 12,
      customValues: at,
      hideOverlap: true,
      formatter: (value: number) => ticks.find((tick) => Math.abs(tick.at - value) < 1e-6)?.label ?? "",
    },
    splitLine: { show: true, lineStyle: { color: GRID }, customValues: at } as object,
  };
}

function lineSeries(line: Line, chart: LineChart, index: number): SeriesOption[] {
  const z = 10 + index;
  const style = { color: line.look.colour, width: line.look.width, type: line.look.dash };
  const series: LineSeriesOption = {
    type: "line",
    name: line.name,
    z,
    data: line.points.map(([x, y]) => [x, y]),
    symbol: line.look.mark,
    symbolSize: line.marked ? 9 : 8,
    showSymbol: line.marked === true || line.points.length === 1,
    showAllSymbol: true,
    lineStyle: style,
    itemStyle: { color: line.look.colour },
    silent: true,
    clip: true,
    ...(index === 0 && { ...(chart.shade && shaded(chart.shade)), ...(chart.rules && ruled(chart.rules)) }),
  };
  return line.bars === undefined ? [series] : [series, bars(line, line.bars, z)];
}

function shaded({ from, to, label }: Shade): Pick<LineSeriesOption, "markArea" | "markLine"> {
  const band = { xAxis: from, name: label };
  return {
    markArea: {
      silent: true,
      itemStyle: { color: "#8a94a0", opacity: 0.18 },
      label: { show: true, position: "insideTop", color: SOFT, fontSize: 12 },
      data: [[band, { xAxis: to }]],
    },
  };
}

function ruled(rules: readonly number[]): Pick<LineSeriesOption, "markArea" | "markLine"> {
  return {
    markLine: {
      silent: true,
      symbol: "none",
      label: { show: false },
      lineStyle: { color: SOFT, type: "dashed", width: 1 },
      data: rules.map((at) => ({ yAxis: at })),
    },
  };
}

function bars(line: Line, ranges: NonNullable<Line["bars"]>, z: number): SeriesOption {
  return {
    type: "custom",
    name: line.name,
    z,
    silent: true,
    clip: true,
    data: ranges.map(([x, low, high]) => [x, low, high]),
    encode: { x: 0, y: [1, 2] },
    itemStyle: { color: line.look.colour },
    renderItem: (_, api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]) as [number, number];
      const [, high] = api.coord([api.value(0), api.value(2)]) as [number, number];
      const style = { stroke: line.look.colour, lineWidth: 1.5, fill: "none" };
      const stroke = (x1: number, y1: number, x2: number, y2: number) =>
        ({ type: "line", shape: { x1, y1, x2, y2 }, style }) as const;
      return {
        type: "group",
        children: [stroke(x, low, x, high), stroke(x - 4, low, x + 4, low), stroke(x - 4, high, x + 4, high)],
      };
    },
  };
}

/** @param name - of the file; it also keeps ids apart where several SVGs stand in one page */
export function toSvg(name: string, title: string, option: EChartsOption): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption(option);
    return (
      chart
        .renderToSVGString()
        .replace(/zr\d+-/g, `${name}-`)
        .replace(/ ecmeta_\w+="[^"]*"| class="[^"]*"| pointer-events="visible"/g, "")
        // Only about hovering, which nothing here answers.
        .replace(/<style[^>]*>[\s\S]*?<\/style>\s*/g, "")
        .replace(
          /^<svg ([^>]*)>/,
          (_, attributes) => `<svg ${attributes} role="img"><title>${escaped(title)}</title>`,
        )
    );
  } finally {
    chart.dispose();
  }
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
