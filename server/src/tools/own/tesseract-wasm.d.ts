/** The part that is used; the package's own types are hidden by its `exports`. */
declare module 'tesseract-wasm' {
  export interface OCREngine {
    loadModel(model: Uint8Array): void
    /** RGBA, four bytes a pixel. */
    loadImage(image: { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number }): void
    clearImage(): void
    getText(): string
    getTextBoxes(unit: 'word'): {
      readonly text: string
      readonly confidence: number
      readonly rect: {
        readonly left: number
        readonly top: number
        readonly right: number
        readonly bottom: number
      }
    }[]
  }
  export function createOCREngine(options: { wasmBinary: Uint8Array }): Promise<OCREngine>
}
