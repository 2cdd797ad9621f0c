/** Where the plot lies in its picture, in pixels. */

export interface Margin {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Frame extends Margin {
  /** Of the whole picture, margins included. */
  width: number;
  height: number;
}

/** The edges of the plot in a picture of that size, as distances from its upper left corner. */
export const frame = (width: number, height: number, margin: Margin): Frame => ({
  width,
  height,
  left: margin.left,
  right: width - margin.right,
  top: margin.top,
  bottom: height - margin.bottom,
});

/** Where the pointer is in the picture that listens for it. */
export function pointer(event: PointerEvent): [x: number, y: number] {
  const picture = (event.currentTarget as Element).getBoundingClientRect();
  return [event.clientX - picture.left, event.clientY - picture.top];
}
