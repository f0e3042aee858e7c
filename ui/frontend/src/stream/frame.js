// The display frame of ui/frames.py, read without copying: the arrays are views of the message.

const MAGIC = 0x4b
export const LAYOUT = 3
const HEADER = 56

/**
 * @param {ArrayBuffer} buffer
 * @returns {ui.Frame}
 */
export function unpack(buffer) {
  const head = new DataView(buffer)
  // Only after an update of the server, whose hello makes the page load again.
  if (head.getUint8(0) !== MAGIC || head.getUint8(1) !== LAYOUT) throw new Error("display frame of another layout")
  const floaters = head.getUint16(2, true)
  const count = head.getUint16(48, true)
  const width = head.getUint16(50, true)
  const newest = head.getUint16(52, true)
  let offset = HEADER
  /**
   * @template T
   * @param {{ new (buffer: ArrayBuffer, offset: number, items: number): T, BYTES_PER_ELEMENT: number }} Kind
   * @param {number} items
   */
  const take = (Kind, items) => {
    const block = new Kind(buffer, offset, items)
    offset += items * Kind.BYTES_PER_ELEMENT
    return block
  }
  return {
    number: head.getUint32(4, true),
    wall: head.getFloat64(8, true),
    stateWall: head.getFloat64(16, true),
    t: head.getFloat64(24, true),
    stateAge: head.getFloat32(32, true),
    clockAge: head.getFloat32(36, true),
    run: head.getUint32(40, true),
    first: head.getUint32(44, true),
    count,
    width,
    times: take(Float64Array, count),
    values: take(Float32Array, count * width),
    newest: take(Float32Array, newest),
    airMass: take(Float32Array, floaters),
    temperature: take(Float32Array, floaters),
    position: take(Float32Array, floaters),
    fill: take(Float32Array, floaters),
  }
}
