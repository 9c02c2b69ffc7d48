import { useEffect, useRef } from 'preact/hooks'
import uPlot, { type AlignedData, type Options } from 'uplot'
import type { Report } from '../../analytics/api.ts'

type Hours = Report['sessionsPerHour']

const hourSeconds = 3600
const heightPx = 220

/** Bars, one an hour. */
export function HoursChart({ hours }: { hours: Hours }) {
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  useEffect(() => {
    const place = host.current!
    const plot = new uPlot(optionsFor(place), dataOf(hours), place)
    chart.current = plot
    const resized = new ResizeObserver(() =>
      plot.setSize({ width: place.clientWidth, height: heightPx }),
    )
    resized.observe(place)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const recolor = () => plot.redraw(false, true)
    dark.addEventListener('change', recolor)
    const chosen = new MutationObserver(recolor)
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      chosen.disconnect()
      dark.removeEventListener('change', recolor)
      resized.disconnect()
      plot.destroy()
    }
  }, [])
  useEffect(() => chart.current?.setData(dataOf(hours)), [hours])

  const most = Math.max(0, ...hours.map(({ count }) => count))
  return (
    <div
      class="chart"
      ref={host}
      role="img"
      aria-label={`Sessions started in each of the last ${hours.length} hours; at most ${most}`}
    />
  )
}

function dataOf(hours: Hours): AlignedData {
  return [hours.map(({ fromMs }) => fromMs / 1000), hours.map(({ count }) => count)]
}

function optionsFor(place: HTMLElement): Options {
  /** A canvas knows nothing of variables of the style sheet. */
  const color = (name: string) => () => {
    place.style.color = `var(${name})`
    const { color } = getComputedStyle(place)
    place.style.color = ''
    return color
  }
  const font = '13px system-ui, sans-serif'
  const lines = { stroke: color('--edge'), width: 1 }
  const axis = { stroke: color('--quiet'), font, grid: lines, ticks: { show: false } }
  return {
    width: place.clientWidth,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: { range: (_, min, max) => [min - hourSeconds / 2, max + hourSeconds / 2] },
      y: { range: (_, __, max) => [0, Math.max(4, Math.ceil((max ?? 0) * 1.1))] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        space: 64,
        values: (_, times) => times.map(hourOf),
      },
      { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
    ],
    series: [
      {},
      {
        fill: color('--cool'),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars!({ size: [0.7, 36] }),
      },
    ],
  }
}

const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const hourOf = (seconds: number): string => hour.format(seconds * 1000)
