/** A file taken from a package registry, pinned. */
export interface Download {
  /** What it is, for the reader of the progress lines. */
  readonly what: string;
  readonly bytes: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

/** The npm package with the binding's C++ sources and its JavaScript half. */
export const bindingPackage: Download & { readonly name: string } = {
  what: 'the npm package @tensorflow/tfjs-node 4.22.0',
  name: '@tensorflow/tfjs-node@4.22.0',
  bytes: 228_166,
  sha256: 'd38a448a705efc6e655a080f896b3af646ae39dffbfe9c90b06cb9fc3a2b9358',
};

/** One way to get libtensorflow: an archive in a registry, and the client that fetches it. */
export interface LibrarySource extends Download {
  readonly client: 'pip' | 'mvn';
  /** The version of TensorFlow inside. */
  readonly tensorflow: string;
  /** The client's own name for the package. */
  readonly package: string;
  /** Folder of the shared libraries inside the archive, which is a zip file in both cases. */
  readonly folder: string;
}

/** The shared libraries that the binding is linked to. */
export const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

/** In order of preference: the wheel is the newer TensorFlow, the jar the smaller download. */
export const librarySources: readonly LibrarySource[] = [
  {
    client: 'pip',
    what: 'the Python wheel tensorflow-cpu 2.18.1 (only its libraries are used, no Python code)',
    tensorflow: '2.18.1',
    package: 'tensorflow-cpu==2.18.1',
    bytes: 230_236_181,
    sha256: '810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298',
    folder: 'tensorflow',
  },
  {
    client: 'mvn',
    what: 'the Maven artifact org.tensorflow:tensorflow-core-native 1.0.0 (TensorFlow 2.16.2)',
    tensorflow: '2.16.2',
    package: 'org.tensorflow:tensorflow-core-native:1.0.0:jar:linux-x86_64',
    bytes: 148_786_453,
    sha256: 'ba217198f8fb4f289d883d51c6d438a416d525f425696ff8c32222fd0b54c1da',
    folder: 'org/tensorflow/internal/c_api/linux-x86_64',
  },
];

/** Room that the build needs while it works; what stays is about 0.5 GB. */
export const workingBytes = 1_200_000_000;
