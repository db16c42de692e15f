/** The figures as a picture. Vega, because it renders SVG without a browser's document and is kept up by those who made it. */
import { parse, type Spec, View } from "vega"
import { CONTENDERS, type ContenderName } from "./contenders.ts"
import { type SizeResult, spreadOf } from "./results.ts"

type Bar = { size: string; name: string; median: number; min: number; max: number; ours: boolean; shown: string }

const WIDTH = 520
const ROW_HEIGHT = 22
const OURS = "#0f766e"
const OTHERS = "#9ca3af"
const INK = "#1f2937"

const plain = (name: ContenderName) => CONTENDERS[name].label.replaceAll("`", "")

export async function chart(sizes: readonly SizeResult[]): Promise<string> {
  const bars = sizes.flatMap(({ doctors, contenders }) =>
    contenders.map(({ name, loads }): Bar => {
      const spread = spreadOf(loads.map(({ perSecond }) => perSecond))
      const ours = name === "ours" || name === "ours-sql"
      const shown = Math.round(spread.median).toLocaleString("en")
      return { size: `${doctors.toLocaleString("en")} doctors`, name: plain(name), ...spread, ours, shown }
    }),
  )
  return await new View(parse(specOf(bars)), { renderer: "none" }).toSVG()
}

function specOf(bars: Bar[]): Spec {
  const rows = new Set(bars.map(({ name }) => name)).size
  return {
    background: "white",
    padding: 12,
    data: [{ name: "bars", values: bars }],
    layout: { columns: 1, padding: 30 },
    title: {
      text: "Nearby searches a second, one process, over HTTP (logarithmic; whiskers: lowest and highest round)",
      anchor: "start",
      color: INK,
      offset: 14,
    },
    scales: [
      { name: "rate", type: "log", domain: { data: "bars", fields: ["min", "max"] }, range: [0, WIDTH], nice: true, zero: false },
      { name: "name", type: "band", domain: { data: "bars", field: "name" }, range: [0, rows * ROW_HEIGHT], padding: 0.25 },
    ],
    marks: [
      {
        type: "group",
        from: { facet: { name: "panel", data: "bars", groupby: "size" } },
        encode: { enter: { width: { value: WIDTH }, height: { value: rows * ROW_HEIGHT } } },
        title: { text: { signal: "parent.size" }, anchor: "start", fontSize: 12, color: INK },
        axes: [
          { scale: "name", orient: "left", domain: false, ticks: false, labelLimit: 0, labelColor: INK, labelPadding: 6 },
          { scale: "rate", orient: "bottom", grid: true, tickCount: 6, format: "~s", labelColor: INK },
        ],
        marks: [bar(), whisker(), figure()],
      },
    ],
  }
}

type Mark = NonNullable<Spec["marks"]>[number]

const bar = (): Mark => ({
  type: "rect",
  from: { data: "panel" },
  encode: {
    enter: {
      x: { value: 0 },
      x2: { scale: "rate", field: "median" },
      y: { scale: "name", field: "name" },
      height: { scale: "name", band: 1 },
      fill: [{ test: "datum.ours", value: OURS }, { value: OTHERS }],
    },
  },
})

const whisker = (): Mark => ({
  type: "rule",
  from: { data: "panel" },
  encode: {
    enter: {
      x: { scale: "rate", field: "min" },
      x2: { scale: "rate", field: "max" },
      y: { scale: "name", field: "name", band: 0.5 },
      stroke: { value: INK },
    },
  },
})

const figure = (): Mark => ({
  type: "text",
  from: { data: "panel" },
  encode: {
    enter: {
      x: { scale: "rate", field: "max", offset: 6 },
      y: { scale: "name", field: "name", band: 0.5 },
      baseline: { value: "middle" },
      fontSize: { value: 10 },
      fill: { value: INK },
      text: { field: "shown" },
    },
  },
})
