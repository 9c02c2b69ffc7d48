/** The products, drawn. Colours come from the style sheet, so that themes reach them. */
import type { ComponentChildren } from 'preact'
import type { ProductId } from '../../shop/catalog.ts'

const drawings: Readonly<Record<ProductId, ComponentChildren>> = {
  lantern: (
    <>
      <path class="line" d="M62 40a18 18 0 0 1 36 0" />
      <path class="a" d="M58 40h44l6 12H52z" />
      <rect class="glass" x="56" y="52" width="48" height="48" rx="4" />
      <circle class="halo" cx="80" cy="78" r="20" />
      <path class="c" d="M80 62c8 9 10 14 10 19a10 10 0 0 1-20 0c0-5 2-10 10-19z" />
      <path class="a" d="M52 100h56l4 12H48z" />
    </>
  ),
  teapot: (
    <>
      <path class="line thick" d="M112 72c20-4 22 24-2 28" />
      <path class="b" d="M50 84c-14-2-18-14-24-16l-5 6c8 6 10 24 30 26z" />
      <path
        class="b"
        d="M80 52c-24 0-36 16-36 33 0 14 8 25 18 27h36c10-2 18-13 18-27 0-17-12-33-36-33z"
      />
      <path class="shade" d="M60 62c-10 8-12 22-8 34 2-16 6-26 16-36z" />
      <path class="a" d="M62 52c4-6 10-8 18-8s14 2 18 8z" />
      <circle class="a" cx="80" cy="40" r="5" />
    </>
  ),
  notebook: (
    <>
      <path class="shade" d="M52 42h62a4 4 0 0 1 4 4v66H52z" />
      <rect class="a" x="46" y="36" width="62" height="72" rx="4" />
      <path class="spine" d="M46 40a4 4 0 0 1 4-4h8v72h-8a4 4 0 0 1-4-4z" />
      <rect class="glass" x="66" y="52" width="32" height="20" rx="2" />
      <path class="line thin" d="M71 59h22M71 65h14" />
      <path class="c" d="M88 108v14l5-4 5 4v-14z" />
    </>
  ),
  blanket: (
    <>
      <rect class="b" x="36" y="86" width="88" height="24" rx="11" />
      <rect class="c" x="38" y="64" width="84" height="24" rx="11" />
      <rect class="a" x="42" y="42" width="76" height="24" rx="11" />
      <path class="line thin light" d="M58 42v24M66 42v24M94 42v24M102 42v24M58 64v24M66 64v24" />
      <path
        class="line thin"
        d="M44 110v6M54 110v6M64 110v6M74 110v6M84 110v6M94 110v6M104 110v6M114 110v6"
      />
    </>
  ),
  mug: (
    <>
      <path class="line thick" d="M102 66c24-4 24 34-2 30" />
      <path class="c" d="M50 54h54l-4 50c0 5-4 8-9 8H63c-5 0-9-3-9-8z" />
      <path class="spine" d="M51 66h52l-1 12H52z" />
      <ellipse class="shade" cx="77" cy="54" rx="27" ry="6" />
      <path class="line thin" d="M68 42c-5-7 5-9 0-16M84 42c-5-7 5-9 0-16" />
    </>
  ),
  clock: (
    <>
      <path class="line thick" d="m60 108-6 10M100 108l6 10" />
      <circle class="b" cx="80" cy="76" r="40" />
      <circle class="glass" cx="80" cy="76" r="31" />
      <path class="line" d="M80 56v20l14 9" />
      <circle class="a" cx="80" cy="76" r="4" />
      <path class="line thin" d="M80 48v4M80 100v4M52 76h4M104 76h4" />
    </>
  ),
  plant: (
    <>
      <path class="line" d="M80 92V52M80 84c-10-8-18-10-24-20M80 76c8-8 18-10 24-20" />
      <path class="green" d="M80 56c-12-10-10-22 0-32 10 10 12 22 0 32z" />
      <path
        class="green"
        d="M58 68c-14 0-22-8-22-20 14 0 24 8 22 20zM102 60c0-12 8-20 22-20 0 14-8 22-22 20z"
      />
      <path class="a" d="M56 90h48l-5 26a5 5 0 0 1-5 4H66a5 5 0 0 1-5-4z" />
      <rect class="spine" x="52" y="86" width="56" height="10" rx="4" />
    </>
  ),
  key: (
    <g transform="rotate(-32 80 76)">
      <path class="c" d="M72 70h54v12h-8v10h-8V82h-6v14h-9V82H72z" />
      <circle class="c" cx="56" cy="76" r="24" />
      <circle class="hole" cx="52" cy="76" r="11" />
      <path class="shade" d="M76 70h48v4H76z" />
    </g>
  ),
}

export function ProductArt({ product }: { product: ProductId }) {
  return (
    <svg class={`product-art art-${product}`} viewBox="0 0 160 140" aria-hidden="true">
      {drawings[product]}
    </svg>
  )
}
