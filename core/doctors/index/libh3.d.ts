/** The C library inside h3-js, compiled to JavaScript, which the package ships beside its own functions. */
declare module "h3-js/dist/libh3-browser.js" {
  const libh3: {
    readonly HEAPF64: Float64Array
    readonly HEAP32: Int32Array
    _malloc(bytes: number): number
    /** Takes the address of latitude and longitude in radians, and writes the cell's 64 bits. Returns an error's number, or 0. */
    _latLngToCell(place: number, resolution: number, cell: number): number
  }
  export default libh3
}
