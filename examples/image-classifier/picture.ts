import type { Pixels } from 'octavo/data';
import sharp from 'sharp';

/** What is wrong with a picture, with the HTTP status that says so. */
export class PictureError extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
  }
}

/** Formats that are read, by how their files begin. Libvips knows many more, and would read whatever comes. */
const signatures: Readonly<Record<string, RegExp>> = {
  'image/jpeg': /^\xff\xd8\xff/,
  'image/png': /^\x89PNG\r\n/,
  'image/webp': /^RIFF.{4}WEBP/s,
};
export const mediaTypes: readonly string[] = Object.keys(signatures);

/** The cameras of phones make up to 24 million. A small file can claim any number. */
const mostPixels = 2 ** 25;
/** What JPEG can have. Libvips takes seconds for a picture of one column and millions of rows. */
const mostOfASide = 2 ** 16 - 1;

/** Before the exact resizing, larger pictures become this many times the size that is wanted: Pillow has no visible difference from 3 on. */
const gap = 3;

/**
 * The pixels of a picture, as people see it: turned as the camera noted, on white where it is transparent.
 * @param size pixels of the shorter side that it will be resized to. Libvips brings large pictures near to it, in its own threads.
 * @throws PictureError (rejects) when the bytes are no picture, part of one, or too large a one.
 */
export async function decodePicture(bytes: Buffer, size: number): Promise<Pixels> {
  const start = bytes.toString('latin1', 0, 16);
  if (!Object.values(signatures).some((signature) => signature.test(start)))
    throw new PictureError(400, 'the body is no JPEG, PNG or WebP picture');
  try {
    const picture = sharp(bytes, { limitInputPixels: false, ignoreIcc: true });
    const { width, height } = await picture.metadata();
    if (width * height > mostPixels || Math.max(width, height) > mostOfASide)
      throw new PictureError(
        413,
        `the picture has ${width} x ${height} pixels; at most ${mostPixels} are read, ${mostOfASide} of a side`,
      );
    const { data, info } = await picture
      .autoOrient()
      .flatten({ background: 'white' })
      .resize({ width: gap * size, height: gap * size, fit: 'outside', withoutEnlargement: true })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (error) {
    if (error instanceof PictureError) throw error;
    const reason = (error as Error).message.replace(/\s+/g, ' ');
    throw new PictureError(400, `the picture is damaged or incomplete: ${reason}`, { cause: error });
  }
}
