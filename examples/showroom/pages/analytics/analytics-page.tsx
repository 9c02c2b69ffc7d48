import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Report } from '../../analytics/api.ts'
import { ApiError, call } from '../shared/api.ts'
import { Header } from '../shared/header.tsx'
import { useVisit } from '../shared/visit.ts'
import { VisitorControls } from '../shared/visitor-controls.tsx'
import { HoursChart } from './hours-chart.tsx'

const refreshEveryMs = 3000

/** `/analytics`: what the sessions of the last 24 hours did; it refreshes by itself. */
export function AnalyticsPage() {
  const { report, error } = useReport()
  const visit = useVisit()
  return (
    <>
      <Header here="/analytics">
        <VisitorControls visit={visit} />
      </Header>
      <main
        id="content"
        tabIndex={-1}
        class="analytics"
        data-active={report?.activeNow}
        data-sessions={report?.sessions}
        data-funnel={report && JSON.stringify(report.funnel.map(({ sessions }) => sessions))}
      >
        <div>
          <h1>Analytics</h1>
          <p class="quiet">
            The last 24 hours, as <code>app.analytics</code> tells them. Visitors who only look are
            not followed: without a stored session there is nothing to count.
          </p>
        </div>
        {error && (
          <p class="notice bad" role="alert">
            {error}
          </p>
        )}
        {report && <Figures report={report} />}
      </main>
    </>
  )
}

function Figures({ report }: { report: Report }) {
  const { activeNow, sessions, logins, lengths, sessionsPerHour } = report
  return (
    <>
      <dl class="numbers">
        <Figure label="Active now">{activeNow}</Figure>
        <Figure label="Sessions">{sessions}</Figure>
        <Figure label="Logins">{logins}</Figure>
        <Figure label="Length, median">{duration(lengths.p50Ms)}</Figure>
        <Figure label="Length, p90">{duration(lengths.p90Ms)}</Figure>
      </dl>
      <section class="panel" aria-labelledby="hours-title">
        <h2 id="hours-title">Sessions started per hour</h2>
        <HoursChart hours={sessionsPerHour} />
      </section>
      <div class="columns">
        <Funnel funnel={report.funnel} />
        <TopEvents events={report.topEvents} />
      </div>
    </>
  )
}

function Figure({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="panel">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

const percent = new Intl.NumberFormat('en', { style: 'percent' })

function Funnel({ funnel }: Pick<Report, 'funnel'>) {
  return (
    <section class="panel" aria-labelledby="funnel-title">
      <h2 id="funnel-title">The way through the shop</h2>
      <ol class="bars funnel">
        {funnel.map(({ name, sessions, shareOfFirst }) => (
          <li key={name} data-step={name}>
            <span>{name}</span>
            <span class="quiet">{percent.format(shareOfFirst)}</span>
            <strong>{sessions}</strong>
            <Bar share={shareOfFirst} />
          </li>
        ))}
      </ol>
    </section>
  )
}

function TopEvents({ events }: { events: Report['topEvents'] }) {
  const most = Math.max(1, ...events.map(({ count }) => count))
  return (
    <section class="panel" aria-labelledby="events-title">
      <h2 id="events-title">Most frequent events</h2>
      {events.length === 0 && <p class="quiet">Nothing has happened yet.</p>}
      <ol class="bars events">
        {events.slice(0, 10).map(({ name, count, sessions }) => (
          <li key={name} data-event={name}>
            <span>{name}</span>
            <span class="quiet">{sessions === 1 ? 'in 1 session' : `in ${sessions} sessions`}</span>
            <strong>{count}</strong>
            <Bar share={count / most} />
          </li>
        ))}
      </ol>
    </section>
  )
}

function Bar({ share }: { share: number }) {
  return (
    <svg class="bar" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width={share} height="1" />
    </svg>
  )
}

function duration(ms: number | undefined): string {
  if (ms === undefined) return '—'
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`
}

/** Asks again and again, one question at a time, while somebody looks. */
function useReport() {
  const [report, setReport] = useState<Report>()
  const [error, setError] = useState<string>()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    let isOver = false
    async function read(): Promise<void> {
      try {
        if (!document.hidden) setReport(await call<Report>('GET', '/analytics'))
        setError(undefined)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        setError(error.message)
      }
      if (!isOver) timer = setTimeout(read, refreshEveryMs)
    }
    void read()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [])
  return { report, error }
}
