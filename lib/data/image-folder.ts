import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** An image of a folder. */
export interface ImageFile {
  readonly path: string;
  /** The number of its class. */
  readonly label: number | undefined;
}

/** The images of a folder, and the names of their classes if it has a folder for each. */
export interface ImageFolder {
  readonly images: readonly ImageFile[];
  readonly classes: readonly string[] | undefined;
}

const extensions: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp'];
/** Those that torchvision reads beside them. To leave such files out in silence would change the data. */
const unsupported: readonly string[] = ['.ppm', '.bmp', '.pgm', '.tif', '.tiff'];

/**
 * Lists a folder in the order of `torchvision.datasets.ImageFolder`: every folder in it is a class, numbered in the order
 * of their sorted names, and holds its images at any depth. A folder without folders holds images without classes. Other
 * files are ignored.
 * @throws Error that names the folder without images, images beside folders, or an image in an unsupported format.
 */
export async function listImages(folder: string): Promise<ImageFolder> {
  const { folders: classes, images } = await list(folder);
  if (classes.length === 0) {
    if (images.length === 0)
      throw new Error(`${folder} contains no images (${extensions.join(', ')}), and no folders of them`);
    return {
      images: images.map((name) => ({ path: join(folder, name), label: undefined })),
      classes: undefined,
    };
  }
  if (images.length > 0)
    throw new Error(
      `${folder} contains both images, such as ${images[0]}, and folders, such as ${classes[0]}; ` +
        'either each image is in the folder of its class, or there are no folders',
    );
  const found: ImageFile[] = [];
  for (const [label, name] of classes.entries()) {
    const path = join(folder, name);
    const paths = await imagesBelow(path);
    if (paths.length === 0)
      throw new Error(`${path} is the folder of a class and contains no images (${extensions.join(', ')})`);
    for (const each of paths) found.push({ path: each, label });
  }
  return { images: found, classes };
}

/** The images of one class: sorted folders, and within each the sorted files. */
async function imagesBelow(top: string): Promise<string[]> {
  const inFolders = new Map<string, readonly string[]>();
  const open = [top];
  for (const folder of open) {
    const { folders, images } = await list(folder);
    inFolders.set(folder, images);
    for (const name of folders) open.push(join(folder, name));
  }
  return sorted(open).flatMap((folder) => inFolders.get(folder)!.map((name) => join(folder, name)));
}

/** Names of the folders and of the images in a folder, each sorted. Links are followed. */
async function list(folder: string): Promise<{ folders: string[]; images: string[] }> {
  const [folders, images]: [string[], string[]] = [[], []];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const isFolder = entry.isSymbolicLink() ? (await stat(path)).isDirectory() : entry.isDirectory();
    const extension = extname(entry.name).toLowerCase();
    if (isFolder) folders.push(entry.name);
    else if (extensions.includes(extension)) images.push(entry.name);
    else if (unsupported.includes(extension))
      throw new Error(`${path}: images are read as ${extensions.join(', ')}; convert this one`);
  }
  return { folders: sorted(folders), images: sorted(images) };
}

/** By code points, as Python sorts; JavaScript compares UTF-16. */
const sorted = (names: readonly string[]) =>
  [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
