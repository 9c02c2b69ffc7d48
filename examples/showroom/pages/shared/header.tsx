import type { ComponentChildren } from 'preact'

const places = [
  { path: '/shop', label: 'Shop' },
  { path: '/board', label: 'Board' },
  { path: '/analytics', label: 'Analytics' },
] as const

/** The head of every page; `children` are the controls at its right end. */
export function Header(props: { here: string; skip?: string; children?: ComponentChildren }) {
  const { here, skip = 'Skip to the content', children } = props
  return (
    <header class="site-header">
      <a class="skip" href="#content">
        {skip}
      </a>
      <a class="brand" href="/" aria-label="Sojourn showroom, start">
        <Mark />
        <span>Sojourn</span>
      </a>
      <nav aria-label="Showroom">
        {places.map(({ path, label }) => (
          <a key={path} href={path} aria-current={path === here ? 'page' : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <div class="header-controls">{children}</div>
    </header>
  )
}

/** A door with a light in it. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M8 25V15a8 8 0 0 1 16 0v10" />
      <circle cx="16" cy="17" r="2.6" />
    </svg>
  )
}
