/** A file that Vite serves; the import is its address. */
declare module '*?url' {
  const address: string;
  export default address;
}
