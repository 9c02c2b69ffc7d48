/** The text of a file, as Vite puts it into a page. */
declare module '*?raw' {
  const text: string
  export default text
}
