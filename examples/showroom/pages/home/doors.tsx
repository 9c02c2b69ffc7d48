/** The doors on the start page: what waits behind each, and its picture. */

export const doors = [
  {
    path: '/shop',
    kind: 'web',
    name: 'Shop',
    line: 'A cart that no parallel click loses, a checkout that is still half-filled after a reload.',
    enter: 'Fill a cart',
    Art: ShopArt,
  },
  {
    path: '/board',
    kind: 'live',
    name: 'Board',
    line: 'A whiteboard for many hands. Kill its process while they draw: every stroke is there.',
    enter: 'Draw together',
    Art: BoardArt,
  },
] as const

function ShopArt() {
  return (
    <svg
      class="door-art"
      viewBox="0 0 320 150"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
    >
      <rect class="wall-warm" width="320" height="150" />
      <path class="shelf" d="M24 112h272" />
      <g class="warm-1">
        <rect x="52" y="62" width="36" height="50" rx="8" />
        <path d="M60 62a10 12 0 0 1 20 0" fill="none" />
      </g>
      <circle class="glow" cx="70" cy="88" r="9" />
      <g class="warm-2">
        <path d="M122 112c-12 0-16-10-16-20 0-14 10-22 26-22s26 8 26 22c0 10-4 20-16 20z" />
        <path d="M158 84c14-6 18 4 20 12M128 70a4 5 0 1 1 8 0" fill="none" />
      </g>
      <g class="warm-3">
        <rect x="204" y="52" width="14" height="60" rx="2" />
        <rect x="221" y="60" width="12" height="52" rx="2" />
        <rect x="237" y="66" width="36" height="46" rx="3" transform="rotate(-9 255 112)" />
      </g>
    </svg>
  )
}

function BoardArt() {
  return (
    <svg
      class="door-art"
      viewBox="0 0 320 150"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
    >
      <rect class="wall-cool" width="320" height="150" />
      <rect class="sheet" x="44" y="36" width="232" height="80" rx="8" />
      <path class="line-1" d="M70 98c20-46 40-46 54-12s30 24 44-14" />
      <path class="line-2" d="M178 58c18-18 40-14 44 4s-16 34-38 28" />
      <path class="line-3" d="M84 52h36" />
      <path class="pointer-1" d="m168 72 4 17 5-6 8-1z" />
      <path class="pointer-2" d="m184 90 4 17 5-6 8-1z" />
    </svg>
  )
}
