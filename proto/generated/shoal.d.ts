import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace shoal. */
export namespace shoal {

    /** Namespace v1. */
    namespace v1 {

        /**
         * Properties of a Certificate.
         * @deprecated Use shoal.v1.Certificate.$Properties instead.
         */
        interface ICertificate extends shoal.v1.Certificate.$Properties {
        }

        /** Represents a Certificate. */
        class Certificate {

            /**
             * Constructs a new Certificate.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Certificate.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Certificate peerId. */
            peerId: Uint8Array;

            /** Certificate serial. */
            serial: Uint8Array;

            /** Certificate notBefore. */
            notBefore: number;

            /** Certificate notAfter. */
            notAfter: number;

            /** Certificate roles. */
            roles: shoal.v1.Role[];

            /**
             * Encodes the specified Certificate message. Does not implicitly {@link shoal.v1.Certificate.verify|verify} messages.
             * @param message Certificate message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Certificate.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Certificate message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Certificate & shoal.v1.Certificate.$Shape} Certificate
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Certificate & shoal.v1.Certificate.$Shape;
        }

        namespace Certificate {

            /** Properties of a Certificate. */
            interface $Properties {

                /** Certificate peerId */
                peerId?: (Uint8Array|null);

                /** Certificate serial */
                serial?: (Uint8Array|null);

                /** Certificate notBefore */
                notBefore?: (number|null);

                /** Certificate notAfter */
                notAfter?: (number|null);

                /** Certificate roles */
                roles?: (shoal.v1.Role[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Certificate. */
            type $Shape = shoal.v1.Certificate.$Properties;
        }

        /** Role enum. */
        enum Role {

            /** ROLE_UNKNOWN value */
            ROLE_UNKNOWN = 0,

            /** ROLE_PEER value */
            ROLE_PEER = 1,

            /** ROLE_SCHEDULER value */
            ROLE_SCHEDULER = 2
        }

        /**
         * Properties of a SignedCertificate.
         * @deprecated Use shoal.v1.SignedCertificate.$Properties instead.
         */
        interface ISignedCertificate extends shoal.v1.SignedCertificate.$Properties {
        }

        /** Represents a SignedCertificate. */
        class SignedCertificate {

            /**
             * Constructs a new SignedCertificate.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.SignedCertificate.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SignedCertificate certificate. */
            certificate: Uint8Array;

            /** SignedCertificate signature. */
            signature: Uint8Array;

            /**
             * Encodes the specified SignedCertificate message. Does not implicitly {@link shoal.v1.SignedCertificate.verify|verify} messages.
             * @param message SignedCertificate message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.SignedCertificate.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SignedCertificate message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.SignedCertificate & shoal.v1.SignedCertificate.$Shape} SignedCertificate
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.SignedCertificate & shoal.v1.SignedCertificate.$Shape;
        }

        namespace SignedCertificate {

            /** Properties of a SignedCertificate. */
            interface $Properties {

                /** SignedCertificate certificate */
                certificate?: (Uint8Array|null);

                /** SignedCertificate signature */
                signature?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SignedCertificate. */
            type $Shape = shoal.v1.SignedCertificate.$Properties;
        }

        /**
         * Properties of a Revocations.
         * @deprecated Use shoal.v1.Revocations.$Properties instead.
         */
        interface IRevocations extends shoal.v1.Revocations.$Properties {
        }

        /** Represents a Revocations. */
        class Revocations {

            /**
             * Constructs a new Revocations.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Revocations.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Revocations version. */
            version: number;

            /** Revocations peerIds. */
            peerIds: Uint8Array[];

            /**
             * Encodes the specified Revocations message. Does not implicitly {@link shoal.v1.Revocations.verify|verify} messages.
             * @param message Revocations message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Revocations.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Revocations message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Revocations & shoal.v1.Revocations.$Shape} Revocations
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Revocations & shoal.v1.Revocations.$Shape;
        }

        namespace Revocations {

            /** Properties of a Revocations. */
            interface $Properties {

                /** Revocations version */
                version?: (number|null);

                /** Revocations peerIds */
                peerIds?: (Uint8Array[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Revocations. */
            type $Shape = shoal.v1.Revocations.$Properties;
        }

        /**
         * Properties of a SignedRevocations.
         * @deprecated Use shoal.v1.SignedRevocations.$Properties instead.
         */
        interface ISignedRevocations extends shoal.v1.SignedRevocations.$Properties {
        }

        /** Represents a SignedRevocations. */
        class SignedRevocations {

            /**
             * Constructs a new SignedRevocations.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.SignedRevocations.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SignedRevocations revocations. */
            revocations: Uint8Array;

            /** SignedRevocations signature. */
            signature: Uint8Array;

            /**
             * Encodes the specified SignedRevocations message. Does not implicitly {@link shoal.v1.SignedRevocations.verify|verify} messages.
             * @param message SignedRevocations message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.SignedRevocations.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SignedRevocations message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.SignedRevocations & shoal.v1.SignedRevocations.$Shape} SignedRevocations
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.SignedRevocations & shoal.v1.SignedRevocations.$Shape;
        }

        namespace SignedRevocations {

            /** Properties of a SignedRevocations. */
            interface $Properties {

                /** SignedRevocations revocations */
                revocations?: (Uint8Array|null);

                /** SignedRevocations signature */
                signature?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a SignedRevocations. */
            type $Shape = shoal.v1.SignedRevocations.$Properties;
        }

        /**
         * Properties of an Introduction.
         * @deprecated Use shoal.v1.Introduction.$Properties instead.
         */
        interface IIntroduction extends shoal.v1.Introduction.$Properties {
        }

        /** Represents an Introduction. */
        class Introduction {

            /**
             * Constructs a new Introduction.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Introduction.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Introduction certificate. */
            certificate?: (shoal.v1.SignedCertificate.$Properties|null);

            /** Introduction revocations. */
            revocations?: (shoal.v1.SignedRevocations.$Properties|null);

            /**
             * Encodes the specified Introduction message. Does not implicitly {@link shoal.v1.Introduction.verify|verify} messages.
             * @param message Introduction message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Introduction.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Introduction message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Introduction & shoal.v1.Introduction.$Shape} Introduction
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Introduction & shoal.v1.Introduction.$Shape;
        }

        namespace Introduction {

            /** Properties of an Introduction. */
            interface $Properties {

                /** Introduction certificate */
                certificate?: (shoal.v1.SignedCertificate.$Properties|null);

                /** Introduction revocations */
                revocations?: (shoal.v1.SignedRevocations.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Introduction. */
            type $Shape = shoal.v1.Introduction.$Properties;
        }

        /**
         * Properties of a Verdict.
         * @deprecated Use shoal.v1.Verdict.$Properties instead.
         */
        interface IVerdict extends shoal.v1.Verdict.$Properties {
        }

        /** Represents a Verdict. */
        class Verdict {

            /**
             * Constructs a new Verdict.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Verdict.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Verdict reason. */
            reason: string;

            /**
             * Encodes the specified Verdict message. Does not implicitly {@link shoal.v1.Verdict.verify|verify} messages.
             * @param message Verdict message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Verdict.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Verdict message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Verdict & shoal.v1.Verdict.$Shape} Verdict
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Verdict & shoal.v1.Verdict.$Shape;
        }

        namespace Verdict {

            /** Properties of a Verdict. */
            interface $Properties {

                /** Verdict reason */
                reason?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Verdict. */
            type $Shape = shoal.v1.Verdict.$Properties;
        }

        /** Lane enum. */
        enum Lane {

            /** LANE_UNKNOWN value */
            LANE_UNKNOWN = 0,

            /** LANE_DEMAND value */
            LANE_DEMAND = 1,

            /** LANE_TRACE value */
            LANE_TRACE = 2,

            /** LANE_BACKGROUND value */
            LANE_BACKGROUND = 3
        }

        /**
         * Properties of a ChildMessage.
         * @deprecated Use shoal.v1.ChildMessage.$Properties instead.
         */
        interface IChildMessage extends shoal.v1.ChildMessage.$Properties {
        }

        /** Represents a ChildMessage. */
        class ChildMessage {

            /**
             * Constructs a new ChildMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.ChildMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChildMessage open. */
            open?: (shoal.v1.OpenTask.$Properties|null);

            /** ChildMessage close. */
            close?: (shoal.v1.CloseTask.$Properties|null);

            /** ChildMessage request. */
            request?: (shoal.v1.RequestPieces.$Properties|null);

            /** ChildMessage cancel. */
            cancel?: (shoal.v1.CancelPieces.$Properties|null);

            /** ChildMessage chunk. */
            chunk?: (shoal.v1.RequestChunk.$Properties|null);

            /** ChildMessage cancelChunk. */
            cancelChunk?: (shoal.v1.CancelChunk.$Properties|null);

            /** ChildMessage kind. */
            kind?: ("open"|"close"|"request"|"cancel"|"chunk"|"cancelChunk");

            /**
             * Encodes the specified ChildMessage message. Does not implicitly {@link shoal.v1.ChildMessage.verify|verify} messages.
             * @param message ChildMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.ChildMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChildMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.ChildMessage & shoal.v1.ChildMessage.$Shape} ChildMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.ChildMessage & shoal.v1.ChildMessage.$Shape;
        }

        namespace ChildMessage {

            /** Properties of a ChildMessage. */
            interface $Properties {

                /** ChildMessage open */
                open?: (shoal.v1.OpenTask.$Properties|null);

                /** ChildMessage close */
                close?: (shoal.v1.CloseTask.$Properties|null);

                /** ChildMessage request */
                request?: (shoal.v1.RequestPieces.$Properties|null);

                /** ChildMessage cancel */
                cancel?: (shoal.v1.CancelPieces.$Properties|null);

                /** ChildMessage chunk */
                chunk?: (shoal.v1.RequestChunk.$Properties|null);

                /** ChildMessage cancelChunk */
                cancelChunk?: (shoal.v1.CancelChunk.$Properties|null);

                /** ChildMessage kind */
                kind?: ("open"|"close"|"request"|"cancel"|"chunk"|"cancelChunk");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a ChildMessage. */
            type $Shape = {
              open?: shoal.v1.OpenTask.$Shape|null;
              close?: shoal.v1.CloseTask.$Shape|null;
              request?: shoal.v1.RequestPieces.$Shape|null;
              cancel?: shoal.v1.CancelPieces.$Shape|null;
              chunk?: shoal.v1.RequestChunk.$Shape|null;
              cancelChunk?: shoal.v1.CancelChunk.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ kind?: undefined; open?: null; close?: null; request?: null; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "open"; open: shoal.v1.OpenTask.$Shape; close?: null; request?: null; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "close"; open?: null; close: shoal.v1.CloseTask.$Shape; request?: null; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "request"; open?: null; close?: null; request: shoal.v1.RequestPieces.$Shape; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "cancel"; open?: null; close?: null; request?: null; cancel: shoal.v1.CancelPieces.$Shape; chunk?: null; cancelChunk?: null }|{ kind?: "chunk"; open?: null; close?: null; request?: null; cancel?: null; chunk: shoal.v1.RequestChunk.$Shape; cancelChunk?: null }|{ kind?: "cancelChunk"; open?: null; close?: null; request?: null; cancel?: null; chunk?: null; cancelChunk: shoal.v1.CancelChunk.$Shape })
            );
        }

        /**
         * Properties of an OpenTask.
         * @deprecated Use shoal.v1.OpenTask.$Properties instead.
         */
        interface IOpenTask extends shoal.v1.OpenTask.$Properties {
        }

        /** Represents an OpenTask. */
        class OpenTask {

            /**
             * Constructs a new OpenTask.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.OpenTask.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** OpenTask handle. */
            handle: number;

            /** OpenTask taskId. */
            taskId: Uint8Array;

            /** OpenTask proof. */
            proof: Uint8Array;

            /** OpenTask pieceCount. */
            pieceCount: number;

            /**
             * Encodes the specified OpenTask message. Does not implicitly {@link shoal.v1.OpenTask.verify|verify} messages.
             * @param message OpenTask message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.OpenTask.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an OpenTask message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.OpenTask & shoal.v1.OpenTask.$Shape} OpenTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.OpenTask & shoal.v1.OpenTask.$Shape;
        }

        namespace OpenTask {

            /** Properties of an OpenTask. */
            interface $Properties {

                /** OpenTask handle */
                handle?: (number|null);

                /** OpenTask taskId */
                taskId?: (Uint8Array|null);

                /** OpenTask proof */
                proof?: (Uint8Array|null);

                /** OpenTask pieceCount */
                pieceCount?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an OpenTask. */
            type $Shape = shoal.v1.OpenTask.$Properties;
        }

        /**
         * Properties of a CloseTask.
         * @deprecated Use shoal.v1.CloseTask.$Properties instead.
         */
        interface ICloseTask extends shoal.v1.CloseTask.$Properties {
        }

        /** Represents a CloseTask. */
        class CloseTask {

            /**
             * Constructs a new CloseTask.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.CloseTask.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CloseTask handle. */
            handle: number;

            /**
             * Encodes the specified CloseTask message. Does not implicitly {@link shoal.v1.CloseTask.verify|verify} messages.
             * @param message CloseTask message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.CloseTask.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CloseTask message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.CloseTask & shoal.v1.CloseTask.$Shape} CloseTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.CloseTask & shoal.v1.CloseTask.$Shape;
        }

        namespace CloseTask {

            /** Properties of a CloseTask. */
            interface $Properties {

                /** CloseTask handle */
                handle?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CloseTask. */
            type $Shape = shoal.v1.CloseTask.$Properties;
        }

        /**
         * Properties of a RequestPieces.
         * @deprecated Use shoal.v1.RequestPieces.$Properties instead.
         */
        interface IRequestPieces extends shoal.v1.RequestPieces.$Properties {
        }

        /** Represents a RequestPieces. */
        class RequestPieces {

            /**
             * Constructs a new RequestPieces.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.RequestPieces.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RequestPieces handle. */
            handle: number;

            /** RequestPieces lane. */
            lane: shoal.v1.Lane;

            /** RequestPieces pieces. */
            pieces: number[];

            /** RequestPieces mayFetch. */
            mayFetch: boolean;

            /** RequestPieces hurry. */
            hurry: boolean;

            /**
             * Encodes the specified RequestPieces message. Does not implicitly {@link shoal.v1.RequestPieces.verify|verify} messages.
             * @param message RequestPieces message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.RequestPieces.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RequestPieces message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.RequestPieces & shoal.v1.RequestPieces.$Shape} RequestPieces
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.RequestPieces & shoal.v1.RequestPieces.$Shape;
        }

        namespace RequestPieces {

            /** Properties of a RequestPieces. */
            interface $Properties {

                /** RequestPieces handle */
                handle?: (number|null);

                /** RequestPieces lane */
                lane?: (shoal.v1.Lane|null);

                /** RequestPieces pieces */
                pieces?: (number[]|null);

                /** RequestPieces mayFetch */
                mayFetch?: (boolean|null);

                /** RequestPieces hurry */
                hurry?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RequestPieces. */
            type $Shape = shoal.v1.RequestPieces.$Properties;
        }

        /**
         * Properties of a CancelPieces.
         * @deprecated Use shoal.v1.CancelPieces.$Properties instead.
         */
        interface ICancelPieces extends shoal.v1.CancelPieces.$Properties {
        }

        /** Represents a CancelPieces. */
        class CancelPieces {

            /**
             * Constructs a new CancelPieces.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.CancelPieces.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CancelPieces handle. */
            handle: number;

            /** CancelPieces pieces. */
            pieces: number[];

            /**
             * Encodes the specified CancelPieces message. Does not implicitly {@link shoal.v1.CancelPieces.verify|verify} messages.
             * @param message CancelPieces message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.CancelPieces.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CancelPieces message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.CancelPieces & shoal.v1.CancelPieces.$Shape} CancelPieces
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.CancelPieces & shoal.v1.CancelPieces.$Shape;
        }

        namespace CancelPieces {

            /** Properties of a CancelPieces. */
            interface $Properties {

                /** CancelPieces handle */
                handle?: (number|null);

                /** CancelPieces pieces */
                pieces?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CancelPieces. */
            type $Shape = shoal.v1.CancelPieces.$Properties;
        }

        /**
         * Properties of a ChunkPlace.
         * @deprecated Use shoal.v1.ChunkPlace.$Properties instead.
         */
        interface IChunkPlace extends shoal.v1.ChunkPlace.$Properties {
        }

        /** Represents a ChunkPlace. */
        class ChunkPlace {

            /**
             * Constructs a new ChunkPlace.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.ChunkPlace.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChunkPlace piece. */
            piece: number;

            /** ChunkPlace within. */
            within: number;

            /**
             * Encodes the specified ChunkPlace message. Does not implicitly {@link shoal.v1.ChunkPlace.verify|verify} messages.
             * @param message ChunkPlace message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.ChunkPlace.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChunkPlace message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.ChunkPlace & shoal.v1.ChunkPlace.$Shape} ChunkPlace
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.ChunkPlace & shoal.v1.ChunkPlace.$Shape;
        }

        namespace ChunkPlace {

            /** Properties of a ChunkPlace. */
            interface $Properties {

                /** ChunkPlace piece */
                piece?: (number|null);

                /** ChunkPlace within */
                within?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChunkPlace. */
            type $Shape = shoal.v1.ChunkPlace.$Properties;
        }

        /**
         * Properties of a RequestChunk.
         * @deprecated Use shoal.v1.RequestChunk.$Properties instead.
         */
        interface IRequestChunk extends shoal.v1.RequestChunk.$Properties {
        }

        /** Represents a RequestChunk. */
        class RequestChunk {

            /**
             * Constructs a new RequestChunk.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.RequestChunk.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** RequestChunk handle. */
            handle: number;

            /** RequestChunk lane. */
            lane: shoal.v1.Lane;

            /** RequestChunk place. */
            place?: (shoal.v1.ChunkPlace.$Properties|null);

            /** RequestChunk compressedSize. */
            compressedSize: number;

            /** RequestChunk uncompressedSize. */
            uncompressedSize: number;

            /**
             * Encodes the specified RequestChunk message. Does not implicitly {@link shoal.v1.RequestChunk.verify|verify} messages.
             * @param message RequestChunk message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.RequestChunk.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a RequestChunk message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.RequestChunk & shoal.v1.RequestChunk.$Shape} RequestChunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.RequestChunk & shoal.v1.RequestChunk.$Shape;
        }

        namespace RequestChunk {

            /** Properties of a RequestChunk. */
            interface $Properties {

                /** RequestChunk handle */
                handle?: (number|null);

                /** RequestChunk lane */
                lane?: (shoal.v1.Lane|null);

                /** RequestChunk place */
                place?: (shoal.v1.ChunkPlace.$Properties|null);

                /** RequestChunk compressedSize */
                compressedSize?: (number|null);

                /** RequestChunk uncompressedSize */
                uncompressedSize?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a RequestChunk. */
            type $Shape = shoal.v1.RequestChunk.$Properties;
        }

        /**
         * Properties of a CancelChunk.
         * @deprecated Use shoal.v1.CancelChunk.$Properties instead.
         */
        interface ICancelChunk extends shoal.v1.CancelChunk.$Properties {
        }

        /** Represents a CancelChunk. */
        class CancelChunk {

            /**
             * Constructs a new CancelChunk.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.CancelChunk.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** CancelChunk handle. */
            handle: number;

            /** CancelChunk place. */
            place?: (shoal.v1.ChunkPlace.$Properties|null);

            /**
             * Encodes the specified CancelChunk message. Does not implicitly {@link shoal.v1.CancelChunk.verify|verify} messages.
             * @param message CancelChunk message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.CancelChunk.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a CancelChunk message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.CancelChunk & shoal.v1.CancelChunk.$Shape} CancelChunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.CancelChunk & shoal.v1.CancelChunk.$Shape;
        }

        namespace CancelChunk {

            /** Properties of a CancelChunk. */
            interface $Properties {

                /** CancelChunk handle */
                handle?: (number|null);

                /** CancelChunk place */
                place?: (shoal.v1.ChunkPlace.$Properties|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a CancelChunk. */
            type $Shape = shoal.v1.CancelChunk.$Properties;
        }

        /**
         * Properties of a ParentMessage.
         * @deprecated Use shoal.v1.ParentMessage.$Properties instead.
         */
        interface IParentMessage extends shoal.v1.ParentMessage.$Properties {
        }

        /** Represents a ParentMessage. */
        class ParentMessage {

            /**
             * Constructs a new ParentMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.ParentMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ParentMessage queueLength. */
            queueLength: number;

            /** ParentMessage opened. */
            opened?: (shoal.v1.TaskOpened.$Properties|null);

            /** ParentMessage have. */
            have?: (shoal.v1.Have.$Properties|null);

            /** ParentMessage lost. */
            lost?: (shoal.v1.Lost.$Properties|null);

            /** ParentMessage piece. */
            piece?: (shoal.v1.PieceData.$Properties|null);

            /** ParentMessage chunk. */
            chunk?: (shoal.v1.ChunkData.$Properties|null);

            /** ParentMessage refused. */
            refused?: (shoal.v1.Refused.$Properties|null);

            /** ParentMessage kind. */
            kind?: ("opened"|"have"|"lost"|"piece"|"chunk"|"refused");

            /**
             * Encodes the specified ParentMessage message. Does not implicitly {@link shoal.v1.ParentMessage.verify|verify} messages.
             * @param message ParentMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.ParentMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ParentMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.ParentMessage & shoal.v1.ParentMessage.$Shape} ParentMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.ParentMessage & shoal.v1.ParentMessage.$Shape;
        }

        namespace ParentMessage {

            /** Properties of a ParentMessage. */
            interface $Properties {

                /** ParentMessage queueLength */
                queueLength?: (number|null);

                /** ParentMessage opened */
                opened?: (shoal.v1.TaskOpened.$Properties|null);

                /** ParentMessage have */
                have?: (shoal.v1.Have.$Properties|null);

                /** ParentMessage lost */
                lost?: (shoal.v1.Lost.$Properties|null);

                /** ParentMessage piece */
                piece?: (shoal.v1.PieceData.$Properties|null);

                /** ParentMessage chunk */
                chunk?: (shoal.v1.ChunkData.$Properties|null);

                /** ParentMessage refused */
                refused?: (shoal.v1.Refused.$Properties|null);

                /** ParentMessage kind */
                kind?: ("opened"|"have"|"lost"|"piece"|"chunk"|"refused");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a ParentMessage. */
            type $Shape = {
              queueLength?: number|null;
              opened?: shoal.v1.TaskOpened.$Shape|null;
              have?: shoal.v1.Have.$Shape|null;
              lost?: shoal.v1.Lost.$Shape|null;
              piece?: shoal.v1.PieceData.$Shape|null;
              chunk?: shoal.v1.ChunkData.$Shape|null;
              refused?: shoal.v1.Refused.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ kind?: undefined; opened?: null; have?: null; lost?: null; piece?: null; chunk?: null; refused?: null }|{ kind?: "opened"; opened: shoal.v1.TaskOpened.$Shape; have?: null; lost?: null; piece?: null; chunk?: null; refused?: null }|{ kind?: "have"; opened?: null; have: shoal.v1.Have.$Shape; lost?: null; piece?: null; chunk?: null; refused?: null }|{ kind?: "lost"; opened?: null; have?: null; lost: shoal.v1.Lost.$Shape; piece?: null; chunk?: null; refused?: null }|{ kind?: "piece"; opened?: null; have?: null; lost?: null; piece: shoal.v1.PieceData.$Shape; chunk?: null; refused?: null }|{ kind?: "chunk"; opened?: null; have?: null; lost?: null; piece?: null; chunk: shoal.v1.ChunkData.$Shape; refused?: null }|{ kind?: "refused"; opened?: null; have?: null; lost?: null; piece?: null; chunk?: null; refused: shoal.v1.Refused.$Shape })
            );
        }

        /**
         * Properties of a TaskOpened.
         * @deprecated Use shoal.v1.TaskOpened.$Properties instead.
         */
        interface ITaskOpened extends shoal.v1.TaskOpened.$Properties {
        }

        /** Represents a TaskOpened. */
        class TaskOpened {

            /**
             * Constructs a new TaskOpened.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.TaskOpened.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TaskOpened handle. */
            handle: number;

            /** TaskOpened status. */
            status: shoal.v1.OpenStatus;

            /** TaskOpened pieces. */
            pieces: Uint8Array;

            /** TaskOpened chunks. */
            chunks: Uint8Array;

            /**
             * Encodes the specified TaskOpened message. Does not implicitly {@link shoal.v1.TaskOpened.verify|verify} messages.
             * @param message TaskOpened message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.TaskOpened.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TaskOpened message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.TaskOpened & shoal.v1.TaskOpened.$Shape} TaskOpened
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.TaskOpened & shoal.v1.TaskOpened.$Shape;
        }

        namespace TaskOpened {

            /** Properties of a TaskOpened. */
            interface $Properties {

                /** TaskOpened handle */
                handle?: (number|null);

                /** TaskOpened status */
                status?: (shoal.v1.OpenStatus|null);

                /** TaskOpened pieces */
                pieces?: (Uint8Array|null);

                /** TaskOpened chunks */
                chunks?: (Uint8Array|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TaskOpened. */
            type $Shape = shoal.v1.TaskOpened.$Properties;
        }

        /** OpenStatus enum. */
        enum OpenStatus {

            /** OPEN_UNKNOWN value */
            OPEN_UNKNOWN = 0,

            /** OPEN_OK value */
            OPEN_OK = 1,

            /** OPEN_NO_TASK value */
            OPEN_NO_TASK = 2,

            /** OPEN_BAD_PROOF value */
            OPEN_BAD_PROOF = 3,

            /** OPEN_TOO_MANY value */
            OPEN_TOO_MANY = 4
        }

        /**
         * Properties of a Have.
         * @deprecated Use shoal.v1.Have.$Properties instead.
         */
        interface IHave extends shoal.v1.Have.$Properties {
        }

        /** Represents a Have. */
        class Have {

            /**
             * Constructs a new Have.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Have.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Have handle. */
            handle: number;

            /** Have pieces. */
            pieces: number[];

            /** Have chunks. */
            chunks: number[];

            /**
             * Encodes the specified Have message. Does not implicitly {@link shoal.v1.Have.verify|verify} messages.
             * @param message Have message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Have.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Have message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Have & shoal.v1.Have.$Shape} Have
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Have & shoal.v1.Have.$Shape;
        }

        namespace Have {

            /** Properties of a Have. */
            interface $Properties {

                /** Have handle */
                handle?: (number|null);

                /** Have pieces */
                pieces?: (number[]|null);

                /** Have chunks */
                chunks?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Have. */
            type $Shape = shoal.v1.Have.$Properties;
        }

        /**
         * Properties of a Lost.
         * @deprecated Use shoal.v1.Lost.$Properties instead.
         */
        interface ILost extends shoal.v1.Lost.$Properties {
        }

        /** Represents a Lost. */
        class Lost {

            /**
             * Constructs a new Lost.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Lost.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Lost handle. */
            handle: number;

            /** Lost pieces. */
            pieces: number[];

            /** Lost chunks. */
            chunks: number[];

            /**
             * Encodes the specified Lost message. Does not implicitly {@link shoal.v1.Lost.verify|verify} messages.
             * @param message Lost message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Lost.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Lost message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Lost & shoal.v1.Lost.$Shape} Lost
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Lost & shoal.v1.Lost.$Shape;
        }

        namespace Lost {

            /** Properties of a Lost. */
            interface $Properties {

                /** Lost handle */
                handle?: (number|null);

                /** Lost pieces */
                pieces?: (number[]|null);

                /** Lost chunks */
                chunks?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Lost. */
            type $Shape = shoal.v1.Lost.$Properties;
        }

        /**
         * Properties of a PieceData.
         * @deprecated Use shoal.v1.PieceData.$Properties instead.
         */
        interface IPieceData extends shoal.v1.PieceData.$Properties {
        }

        /** Represents a PieceData. */
        class PieceData {

            /**
             * Constructs a new PieceData.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.PieceData.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** PieceData handle. */
            handle: number;

            /** PieceData piece. */
            piece: number;

            /** PieceData length. */
            length: number;

            /**
             * Encodes the specified PieceData message. Does not implicitly {@link shoal.v1.PieceData.verify|verify} messages.
             * @param message PieceData message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.PieceData.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a PieceData message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.PieceData & shoal.v1.PieceData.$Shape} PieceData
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.PieceData & shoal.v1.PieceData.$Shape;
        }

        namespace PieceData {

            /** Properties of a PieceData. */
            interface $Properties {

                /** PieceData handle */
                handle?: (number|null);

                /** PieceData piece */
                piece?: (number|null);

                /** PieceData length */
                length?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a PieceData. */
            type $Shape = shoal.v1.PieceData.$Properties;
        }

        /**
         * Properties of a ChunkData.
         * @deprecated Use shoal.v1.ChunkData.$Properties instead.
         */
        interface IChunkData extends shoal.v1.ChunkData.$Properties {
        }

        /** Represents a ChunkData. */
        class ChunkData {

            /**
             * Constructs a new ChunkData.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.ChunkData.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ChunkData handle. */
            handle: number;

            /** ChunkData place. */
            place?: (shoal.v1.ChunkPlace.$Properties|null);

            /** ChunkData total. */
            total: number;

            /** ChunkData position. */
            position: number;

            /** ChunkData length. */
            length: number;

            /**
             * Encodes the specified ChunkData message. Does not implicitly {@link shoal.v1.ChunkData.verify|verify} messages.
             * @param message ChunkData message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.ChunkData.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ChunkData message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.ChunkData & shoal.v1.ChunkData.$Shape} ChunkData
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.ChunkData & shoal.v1.ChunkData.$Shape;
        }

        namespace ChunkData {

            /** Properties of a ChunkData. */
            interface $Properties {

                /** ChunkData handle */
                handle?: (number|null);

                /** ChunkData place */
                place?: (shoal.v1.ChunkPlace.$Properties|null);

                /** ChunkData total */
                total?: (number|null);

                /** ChunkData position */
                position?: (number|null);

                /** ChunkData length */
                length?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ChunkData. */
            type $Shape = shoal.v1.ChunkData.$Properties;
        }

        /**
         * Properties of a Refused.
         * @deprecated Use shoal.v1.Refused.$Properties instead.
         */
        interface IRefused extends shoal.v1.Refused.$Properties {
        }

        /** Represents a Refused. */
        class Refused {

            /**
             * Constructs a new Refused.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Refused.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Refused handle. */
            handle: number;

            /** Refused reason. */
            reason: shoal.v1.RefusalReason;

            /** Refused pieces. */
            pieces: number[];

            /** Refused chunks. */
            chunks: shoal.v1.ChunkPlace.$Properties[];

            /** Refused tryPeers. */
            tryPeers: Uint8Array[];

            /**
             * Encodes the specified Refused message. Does not implicitly {@link shoal.v1.Refused.verify|verify} messages.
             * @param message Refused message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Refused.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Refused message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Refused & shoal.v1.Refused.$Shape} Refused
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Refused & shoal.v1.Refused.$Shape;
        }

        namespace Refused {

            /** Properties of a Refused. */
            interface $Properties {

                /** Refused handle */
                handle?: (number|null);

                /** Refused reason */
                reason?: (shoal.v1.RefusalReason|null);

                /** Refused pieces */
                pieces?: (number[]|null);

                /** Refused chunks */
                chunks?: (shoal.v1.ChunkPlace.$Properties[]|null);

                /** Refused tryPeers */
                tryPeers?: (Uint8Array[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Refused. */
            type $Shape = shoal.v1.Refused.$Properties;
        }

        /** RefusalReason enum. */
        enum RefusalReason {

            /** REFUSED_UNKNOWN value */
            REFUSED_UNKNOWN = 0,

            /** REFUSED_BUSY value */
            REFUSED_BUSY = 1,

            /** REFUSED_ABSENT value */
            REFUSED_ABSENT = 2,

            /** REFUSED_FAILED value */
            REFUSED_FAILED = 3
        }

        /**
         * Properties of a NodeMessage.
         * @deprecated Use shoal.v1.NodeMessage.$Properties instead.
         */
        interface INodeMessage extends shoal.v1.NodeMessage.$Properties {
        }

        /** Represents a NodeMessage. */
        class NodeMessage {

            /**
             * Constructs a new NodeMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.NodeMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** NodeMessage hello. */
            hello?: (shoal.v1.Hello.$Properties|null);

            /** NodeMessage join. */
            join?: (shoal.v1.JoinTask.$Properties|null);

            /** NodeMessage leave. */
            leave?: (shoal.v1.LeaveTask.$Properties|null);

            /** NodeMessage report. */
            report?: (shoal.v1.Report.$Properties|null);

            /** NodeMessage want. */
            want?: (shoal.v1.Want.$Properties|null);

            /** NodeMessage leaseFailed. */
            leaseFailed?: (shoal.v1.LeaseFailed.$Properties|null);

            /** NodeMessage accuse. */
            accuse?: (shoal.v1.Accuse.$Properties|null);

            /** NodeMessage ping. */
            ping?: (shoal.v1.Ping.$Properties|null);

            /** NodeMessage pong. */
            pong?: (shoal.v1.Pong.$Properties|null);

            /** NodeMessage follow. */
            follow?: (shoal.v1.FollowTrace.$Properties|null);

            /** NodeMessage kind. */
            kind?: ("hello"|"join"|"leave"|"report"|"want"|"leaseFailed"|"accuse"|"ping"|"pong"|"follow");

            /**
             * Encodes the specified NodeMessage message. Does not implicitly {@link shoal.v1.NodeMessage.verify|verify} messages.
             * @param message NodeMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.NodeMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a NodeMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.NodeMessage & shoal.v1.NodeMessage.$Shape} NodeMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.NodeMessage & shoal.v1.NodeMessage.$Shape;
        }

        namespace NodeMessage {

            /** Properties of a NodeMessage. */
            interface $Properties {

                /** NodeMessage hello */
                hello?: (shoal.v1.Hello.$Properties|null);

                /** NodeMessage join */
                join?: (shoal.v1.JoinTask.$Properties|null);

                /** NodeMessage leave */
                leave?: (shoal.v1.LeaveTask.$Properties|null);

                /** NodeMessage report */
                report?: (shoal.v1.Report.$Properties|null);

                /** NodeMessage want */
                want?: (shoal.v1.Want.$Properties|null);

                /** NodeMessage leaseFailed */
                leaseFailed?: (shoal.v1.LeaseFailed.$Properties|null);

                /** NodeMessage accuse */
                accuse?: (shoal.v1.Accuse.$Properties|null);

                /** NodeMessage ping */
                ping?: (shoal.v1.Ping.$Properties|null);

                /** NodeMessage pong */
                pong?: (shoal.v1.Pong.$Properties|null);

                /** NodeMessage follow */
                follow?: (shoal.v1.FollowTrace.$Properties|null);

                /** NodeMessage kind */
                kind?: ("hello"|"join"|"leave"|"report"|"want"|"leaseFailed"|"accuse"|"ping"|"pong"|"follow");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a NodeMessage. */
            type $Shape = {
              hello?: shoal.v1.Hello.$Shape|null;
              join?: shoal.v1.JoinTask.$Shape|null;
              leave?: shoal.v1.LeaveTask.$Shape|null;
              report?: shoal.v1.Report.$Shape|null;
              want?: shoal.v1.Want.$Shape|null;
              leaseFailed?: shoal.v1.LeaseFailed.$Shape|null;
              accuse?: shoal.v1.Accuse.$Shape|null;
              ping?: shoal.v1.Ping.$Shape|null;
              pong?: shoal.v1.Pong.$Shape|null;
              follow?: shoal.v1.FollowTrace.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ kind?: undefined; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "hello"; hello: shoal.v1.Hello.$Shape; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "join"; hello?: null; join: shoal.v1.JoinTask.$Shape; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "leave"; hello?: null; join?: null; leave: shoal.v1.LeaveTask.$Shape; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "report"; hello?: null; join?: null; leave?: null; report: shoal.v1.Report.$Shape; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "want"; hello?: null; join?: null; leave?: null; report?: null; want: shoal.v1.Want.$Shape; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "leaseFailed"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed: shoal.v1.LeaseFailed.$Shape; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "accuse"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse: shoal.v1.Accuse.$Shape; ping?: null; pong?: null; follow?: null }|{ kind?: "ping"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping: shoal.v1.Ping.$Shape; pong?: null; follow?: null }|{ kind?: "pong"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong: shoal.v1.Pong.$Shape; follow?: null }|{ kind?: "follow"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow: shoal.v1.FollowTrace.$Shape })
            );
        }

        /**
         * Properties of a Ping.
         * @deprecated Use shoal.v1.Ping.$Properties instead.
         */
        interface IPing extends shoal.v1.Ping.$Properties {
        }

        /** Represents a Ping. */
        class Ping {

            /**
             * Constructs a new Ping.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Ping.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Encodes the specified Ping message. Does not implicitly {@link shoal.v1.Ping.verify|verify} messages.
             * @param message Ping message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Ping.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Ping message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Ping & shoal.v1.Ping.$Shape} Ping
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Ping & shoal.v1.Ping.$Shape;
        }

        namespace Ping {

            /** Properties of a Ping. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Ping. */
            type $Shape = shoal.v1.Ping.$Properties;
        }

        /**
         * Properties of a Pong.
         * @deprecated Use shoal.v1.Pong.$Properties instead.
         */
        interface IPong extends shoal.v1.Pong.$Properties {
        }

        /** Represents a Pong. */
        class Pong {

            /**
             * Constructs a new Pong.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Pong.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Encodes the specified Pong message. Does not implicitly {@link shoal.v1.Pong.verify|verify} messages.
             * @param message Pong message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Pong.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Pong message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Pong & shoal.v1.Pong.$Shape} Pong
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Pong & shoal.v1.Pong.$Shape;
        }

        namespace Pong {

            /** Properties of a Pong. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Pong. */
            type $Shape = shoal.v1.Pong.$Properties;
        }

        /**
         * Properties of a Hello.
         * @deprecated Use shoal.v1.Hello.$Properties instead.
         */
        interface IHello extends shoal.v1.Hello.$Properties {
        }

        /** Represents a Hello. */
        class Hello {

            /**
             * Constructs a new Hello.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Hello.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Hello addresses. */
            addresses: string[];

            /** Hello name. */
            name: string;

            /** Hello region. */
            region: string;

            /** Hello zone. */
            zone: string;

            /** Hello rack. */
            rack: string;

            /** Hello hostType. */
            hostType: shoal.v1.HostType;

            /** Hello uploadSlots. */
            uploadSlots: number;

            /** Hello version. */
            version: string;

            /**
             * Encodes the specified Hello message. Does not implicitly {@link shoal.v1.Hello.verify|verify} messages.
             * @param message Hello message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Hello.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Hello & shoal.v1.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Hello & shoal.v1.Hello.$Shape;
        }

        namespace Hello {

            /** Properties of a Hello. */
            interface $Properties {

                /** Hello addresses */
                addresses?: (string[]|null);

                /** Hello name */
                name?: (string|null);

                /** Hello region */
                region?: (string|null);

                /** Hello zone */
                zone?: (string|null);

                /** Hello rack */
                rack?: (string|null);

                /** Hello hostType */
                hostType?: (shoal.v1.HostType|null);

                /** Hello uploadSlots */
                uploadSlots?: (number|null);

                /** Hello version */
                version?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Hello. */
            type $Shape = shoal.v1.Hello.$Properties;
        }

        /** HostType enum. */
        enum HostType {

            /** HOST_NORMAL value */
            HOST_NORMAL = 0,

            /** HOST_SEED value */
            HOST_SEED = 1
        }

        /**
         * Properties of a JoinTask.
         * @deprecated Use shoal.v1.JoinTask.$Properties instead.
         */
        interface IJoinTask extends shoal.v1.JoinTask.$Properties {
        }

        /** Represents a JoinTask. */
        class JoinTask {

            /**
             * Constructs a new JoinTask.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.JoinTask.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** JoinTask handle. */
            handle: number;

            /** JoinTask taskId. */
            taskId: Uint8Array;

            /** JoinTask pieceCount. */
            pieceCount: number;

            /** JoinTask pieces. */
            pieces: Uint8Array;

            /** JoinTask chunks. */
            chunks: Uint8Array;

            /** JoinTask reachesOrigin. */
            reachesOrigin: boolean;

            /**
             * Encodes the specified JoinTask message. Does not implicitly {@link shoal.v1.JoinTask.verify|verify} messages.
             * @param message JoinTask message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.JoinTask.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a JoinTask message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.JoinTask & shoal.v1.JoinTask.$Shape} JoinTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.JoinTask & shoal.v1.JoinTask.$Shape;
        }

        namespace JoinTask {

            /** Properties of a JoinTask. */
            interface $Properties {

                /** JoinTask handle */
                handle?: (number|null);

                /** JoinTask taskId */
                taskId?: (Uint8Array|null);

                /** JoinTask pieceCount */
                pieceCount?: (number|null);

                /** JoinTask pieces */
                pieces?: (Uint8Array|null);

                /** JoinTask chunks */
                chunks?: (Uint8Array|null);

                /** JoinTask reachesOrigin */
                reachesOrigin?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a JoinTask. */
            type $Shape = shoal.v1.JoinTask.$Properties;
        }

        /**
         * Properties of a LeaveTask.
         * @deprecated Use shoal.v1.LeaveTask.$Properties instead.
         */
        interface ILeaveTask extends shoal.v1.LeaveTask.$Properties {
        }

        /** Represents a LeaveTask. */
        class LeaveTask {

            /**
             * Constructs a new LeaveTask.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.LeaveTask.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LeaveTask handle. */
            handle: number;

            /**
             * Encodes the specified LeaveTask message. Does not implicitly {@link shoal.v1.LeaveTask.verify|verify} messages.
             * @param message LeaveTask message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.LeaveTask.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LeaveTask message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.LeaveTask & shoal.v1.LeaveTask.$Shape} LeaveTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.LeaveTask & shoal.v1.LeaveTask.$Shape;
        }

        namespace LeaveTask {

            /** Properties of a LeaveTask. */
            interface $Properties {

                /** LeaveTask handle */
                handle?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LeaveTask. */
            type $Shape = shoal.v1.LeaveTask.$Properties;
        }

        /**
         * Properties of a FollowTrace.
         * @deprecated Use shoal.v1.FollowTrace.$Properties instead.
         */
        interface IFollowTrace extends shoal.v1.FollowTrace.$Properties {
        }

        /** Represents a FollowTrace. */
        class FollowTrace {

            /**
             * Constructs a new FollowTrace.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.FollowTrace.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** FollowTrace handle. */
            handle: number;

            /** FollowTrace follows. */
            follows: boolean;

            /**
             * Encodes the specified FollowTrace message. Does not implicitly {@link shoal.v1.FollowTrace.verify|verify} messages.
             * @param message FollowTrace message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.FollowTrace.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a FollowTrace message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.FollowTrace & shoal.v1.FollowTrace.$Shape} FollowTrace
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.FollowTrace & shoal.v1.FollowTrace.$Shape;
        }

        namespace FollowTrace {

            /** Properties of a FollowTrace. */
            interface $Properties {

                /** FollowTrace handle */
                handle?: (number|null);

                /** FollowTrace follows */
                follows?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a FollowTrace. */
            type $Shape = shoal.v1.FollowTrace.$Properties;
        }

        /**
         * Properties of a Report.
         * @deprecated Use shoal.v1.Report.$Properties instead.
         */
        interface IReport extends shoal.v1.Report.$Properties {
        }

        /** Represents a Report. */
        class Report {

            /**
             * Constructs a new Report.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Report.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Report tasks. */
            tasks: shoal.v1.TaskReport.$Properties[];

            /** Report parents. */
            parents: shoal.v1.ParentReport.$Properties[];

            /** Report queueLength. */
            queueLength: number;

            /** Report freeSlots. */
            freeSlots: number;

            /**
             * Encodes the specified Report message. Does not implicitly {@link shoal.v1.Report.verify|verify} messages.
             * @param message Report message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Report.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Report message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Report & shoal.v1.Report.$Shape} Report
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Report & shoal.v1.Report.$Shape;
        }

        namespace Report {

            /** Properties of a Report. */
            interface $Properties {

                /** Report tasks */
                tasks?: (shoal.v1.TaskReport.$Properties[]|null);

                /** Report parents */
                parents?: (shoal.v1.ParentReport.$Properties[]|null);

                /** Report queueLength */
                queueLength?: (number|null);

                /** Report freeSlots */
                freeSlots?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Report. */
            type $Shape = shoal.v1.Report.$Properties;
        }

        /**
         * Properties of a TaskReport.
         * @deprecated Use shoal.v1.TaskReport.$Properties instead.
         */
        interface ITaskReport extends shoal.v1.TaskReport.$Properties {
        }

        /** Represents a TaskReport. */
        class TaskReport {

            /**
             * Constructs a new TaskReport.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.TaskReport.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TaskReport handle. */
            handle: number;

            /** TaskReport piecesGained. */
            piecesGained: number[];

            /** TaskReport piecesLost. */
            piecesLost: number[];

            /** TaskReport chunksGained. */
            chunksGained: number[];

            /** TaskReport chunksLost. */
            chunksLost: number[];

            /**
             * Encodes the specified TaskReport message. Does not implicitly {@link shoal.v1.TaskReport.verify|verify} messages.
             * @param message TaskReport message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.TaskReport.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TaskReport message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.TaskReport & shoal.v1.TaskReport.$Shape} TaskReport
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.TaskReport & shoal.v1.TaskReport.$Shape;
        }

        namespace TaskReport {

            /** Properties of a TaskReport. */
            interface $Properties {

                /** TaskReport handle */
                handle?: (number|null);

                /** TaskReport piecesGained */
                piecesGained?: (number[]|null);

                /** TaskReport piecesLost */
                piecesLost?: (number[]|null);

                /** TaskReport chunksGained */
                chunksGained?: (number[]|null);

                /** TaskReport chunksLost */
                chunksLost?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TaskReport. */
            type $Shape = shoal.v1.TaskReport.$Properties;
        }

        /**
         * Properties of a ParentReport.
         * @deprecated Use shoal.v1.ParentReport.$Properties instead.
         */
        interface IParentReport extends shoal.v1.ParentReport.$Properties {
        }

        /** Represents a ParentReport. */
        class ParentReport {

            /**
             * Constructs a new ParentReport.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.ParentReport.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** ParentReport peerId. */
            peerId: Uint8Array;

            /** ParentReport pieces. */
            pieces: number;

            /** ParentReport milliseconds. */
            milliseconds: number;

            /** ParentReport failures. */
            failures: number;

            /**
             * Encodes the specified ParentReport message. Does not implicitly {@link shoal.v1.ParentReport.verify|verify} messages.
             * @param message ParentReport message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.ParentReport.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a ParentReport message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.ParentReport & shoal.v1.ParentReport.$Shape} ParentReport
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.ParentReport & shoal.v1.ParentReport.$Shape;
        }

        namespace ParentReport {

            /** Properties of a ParentReport. */
            interface $Properties {

                /** ParentReport peerId */
                peerId?: (Uint8Array|null);

                /** ParentReport pieces */
                pieces?: (number|null);

                /** ParentReport milliseconds */
                milliseconds?: (number|null);

                /** ParentReport failures */
                failures?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a ParentReport. */
            type $Shape = shoal.v1.ParentReport.$Properties;
        }

        /**
         * Properties of a Want.
         * @deprecated Use shoal.v1.Want.$Properties instead.
         */
        interface IWant extends shoal.v1.Want.$Properties {
        }

        /** Represents a Want. */
        class Want {

            /**
             * Constructs a new Want.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Want.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Want handle. */
            handle: number;

            /** Want lane. */
            lane: shoal.v1.Lane;

            /** Want runs. */
            runs: number[];

            /** Want late. */
            late: boolean;

            /**
             * Encodes the specified Want message. Does not implicitly {@link shoal.v1.Want.verify|verify} messages.
             * @param message Want message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Want.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Want message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Want & shoal.v1.Want.$Shape} Want
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Want & shoal.v1.Want.$Shape;
        }

        namespace Want {

            /** Properties of a Want. */
            interface $Properties {

                /** Want handle */
                handle?: (number|null);

                /** Want lane */
                lane?: (shoal.v1.Lane|null);

                /** Want runs */
                runs?: (number[]|null);

                /** Want late */
                late?: (boolean|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Want. */
            type $Shape = shoal.v1.Want.$Properties;
        }

        /**
         * Properties of a LeaseFailed.
         * @deprecated Use shoal.v1.LeaseFailed.$Properties instead.
         */
        interface ILeaseFailed extends shoal.v1.LeaseFailed.$Properties {
        }

        /** Represents a LeaseFailed. */
        class LeaseFailed {

            /**
             * Constructs a new LeaseFailed.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.LeaseFailed.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** LeaseFailed handle. */
            handle: number;

            /** LeaseFailed runs. */
            runs: number[];

            /** LeaseFailed reason. */
            reason: shoal.v1.LeaseFailure;

            /** LeaseFailed retryAfterMs. */
            retryAfterMs: number;

            /**
             * Encodes the specified LeaseFailed message. Does not implicitly {@link shoal.v1.LeaseFailed.verify|verify} messages.
             * @param message LeaseFailed message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.LeaseFailed.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a LeaseFailed message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.LeaseFailed & shoal.v1.LeaseFailed.$Shape} LeaseFailed
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.LeaseFailed & shoal.v1.LeaseFailed.$Shape;
        }

        namespace LeaseFailed {

            /** Properties of a LeaseFailed. */
            interface $Properties {

                /** LeaseFailed handle */
                handle?: (number|null);

                /** LeaseFailed runs */
                runs?: (number[]|null);

                /** LeaseFailed reason */
                reason?: (shoal.v1.LeaseFailure|null);

                /** LeaseFailed retryAfterMs */
                retryAfterMs?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a LeaseFailed. */
            type $Shape = shoal.v1.LeaseFailed.$Properties;
        }

        /** LeaseFailure enum. */
        enum LeaseFailure {

            /** LEASE_FAILED_UNKNOWN value */
            LEASE_FAILED_UNKNOWN = 0,

            /** LEASE_FAILED_UNREACHABLE value */
            LEASE_FAILED_UNREACHABLE = 1,

            /** LEASE_FAILED_BUSY value */
            LEASE_FAILED_BUSY = 2,

            /** LEASE_FAILED_UNAUTHORIZED value */
            LEASE_FAILED_UNAUTHORIZED = 3,

            /** LEASE_FAILED_NOT_FOUND value */
            LEASE_FAILED_NOT_FOUND = 4,

            /** LEASE_FAILED_WRONG_BYTES value */
            LEASE_FAILED_WRONG_BYTES = 5,

            /** LEASE_FAILED_LOCAL value */
            LEASE_FAILED_LOCAL = 6
        }

        /**
         * Properties of an Accuse.
         * @deprecated Use shoal.v1.Accuse.$Properties instead.
         */
        interface IAccuse extends shoal.v1.Accuse.$Properties {
        }

        /** Represents an Accuse. */
        class Accuse {

            /**
             * Constructs a new Accuse.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Accuse.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Accuse peerId. */
            peerId: Uint8Array;

            /** Accuse handle. */
            handle: number;

            /** Accuse piece. */
            piece: number;

            /** Accuse what. */
            what: shoal.v1.Accusation;

            /**
             * Encodes the specified Accuse message. Does not implicitly {@link shoal.v1.Accuse.verify|verify} messages.
             * @param message Accuse message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Accuse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Accuse message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Accuse & shoal.v1.Accuse.$Shape} Accuse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Accuse & shoal.v1.Accuse.$Shape;
        }

        namespace Accuse {

            /** Properties of an Accuse. */
            interface $Properties {

                /** Accuse peerId */
                peerId?: (Uint8Array|null);

                /** Accuse handle */
                handle?: (number|null);

                /** Accuse piece */
                piece?: (number|null);

                /** Accuse what */
                what?: (shoal.v1.Accusation|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Accuse. */
            type $Shape = shoal.v1.Accuse.$Properties;
        }

        /** Accusation enum. */
        enum Accusation {

            /** ACCUSE_UNKNOWN value */
            ACCUSE_UNKNOWN = 0,

            /** ACCUSE_WRONG_BYTES value */
            ACCUSE_WRONG_BYTES = 1,

            /** ACCUSE_LYING_BITMAP value */
            ACCUSE_LYING_BITMAP = 2,

            /** ACCUSE_STALLED value */
            ACCUSE_STALLED = 3
        }

        /**
         * Properties of a SchedulerMessage.
         * @deprecated Use shoal.v1.SchedulerMessage.$Properties instead.
         */
        interface ISchedulerMessage extends shoal.v1.SchedulerMessage.$Properties {
        }

        /** Represents a SchedulerMessage. */
        class SchedulerMessage {

            /**
             * Constructs a new SchedulerMessage.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.SchedulerMessage.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** SchedulerMessage welcome. */
            welcome?: (shoal.v1.Welcome.$Properties|null);

            /** SchedulerMessage parents. */
            parents?: (shoal.v1.Parents.$Properties|null);

            /** SchedulerMessage lease. */
            lease?: (shoal.v1.Lease.$Properties|null);

            /** SchedulerMessage lessees. */
            lessees?: (shoal.v1.Lessees.$Properties|null);

            /** SchedulerMessage ban. */
            ban?: (shoal.v1.Ban.$Properties|null);

            /** SchedulerMessage originHold. */
            originHold?: (shoal.v1.OriginHold.$Properties|null);

            /** SchedulerMessage taskRefused. */
            taskRefused?: (shoal.v1.TaskRefused.$Properties|null);

            /** SchedulerMessage ping. */
            ping?: (shoal.v1.Ping.$Properties|null);

            /** SchedulerMessage pong. */
            pong?: (shoal.v1.Pong.$Properties|null);

            /** SchedulerMessage trace. */
            trace?: (shoal.v1.Trace.$Properties|null);

            /** SchedulerMessage kind. */
            kind?: ("welcome"|"parents"|"lease"|"lessees"|"ban"|"originHold"|"taskRefused"|"ping"|"pong"|"trace");

            /**
             * Encodes the specified SchedulerMessage message. Does not implicitly {@link shoal.v1.SchedulerMessage.verify|verify} messages.
             * @param message SchedulerMessage message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.SchedulerMessage.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a SchedulerMessage message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.SchedulerMessage & shoal.v1.SchedulerMessage.$Shape} SchedulerMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.SchedulerMessage & shoal.v1.SchedulerMessage.$Shape;
        }

        namespace SchedulerMessage {

            /** Properties of a SchedulerMessage. */
            interface $Properties {

                /** SchedulerMessage welcome */
                welcome?: (shoal.v1.Welcome.$Properties|null);

                /** SchedulerMessage parents */
                parents?: (shoal.v1.Parents.$Properties|null);

                /** SchedulerMessage lease */
                lease?: (shoal.v1.Lease.$Properties|null);

                /** SchedulerMessage lessees */
                lessees?: (shoal.v1.Lessees.$Properties|null);

                /** SchedulerMessage ban */
                ban?: (shoal.v1.Ban.$Properties|null);

                /** SchedulerMessage originHold */
                originHold?: (shoal.v1.OriginHold.$Properties|null);

                /** SchedulerMessage taskRefused */
                taskRefused?: (shoal.v1.TaskRefused.$Properties|null);

                /** SchedulerMessage ping */
                ping?: (shoal.v1.Ping.$Properties|null);

                /** SchedulerMessage pong */
                pong?: (shoal.v1.Pong.$Properties|null);

                /** SchedulerMessage trace */
                trace?: (shoal.v1.Trace.$Properties|null);

                /** SchedulerMessage kind */
                kind?: ("welcome"|"parents"|"lease"|"lessees"|"ban"|"originHold"|"taskRefused"|"ping"|"pong"|"trace");

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Narrowed shape of a SchedulerMessage. */
            type $Shape = {
              welcome?: shoal.v1.Welcome.$Shape|null;
              parents?: shoal.v1.Parents.$Shape|null;
              lease?: shoal.v1.Lease.$Shape|null;
              lessees?: shoal.v1.Lessees.$Shape|null;
              ban?: shoal.v1.Ban.$Shape|null;
              originHold?: shoal.v1.OriginHold.$Shape|null;
              taskRefused?: shoal.v1.TaskRefused.$Shape|null;
              ping?: shoal.v1.Ping.$Shape|null;
              pong?: shoal.v1.Pong.$Shape|null;
              trace?: shoal.v1.Trace.$Shape|null;
              $unknowns?: Uint8Array[];
            } & (
              ({ kind?: undefined; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "welcome"; welcome: shoal.v1.Welcome.$Shape; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "parents"; welcome?: null; parents: shoal.v1.Parents.$Shape; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "lease"; welcome?: null; parents?: null; lease: shoal.v1.Lease.$Shape; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "lessees"; welcome?: null; parents?: null; lease?: null; lessees: shoal.v1.Lessees.$Shape; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "ban"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban: shoal.v1.Ban.$Shape; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "originHold"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold: shoal.v1.OriginHold.$Shape; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "taskRefused"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused: shoal.v1.TaskRefused.$Shape; ping?: null; pong?: null; trace?: null }|{ kind?: "ping"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping: shoal.v1.Ping.$Shape; pong?: null; trace?: null }|{ kind?: "pong"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong: shoal.v1.Pong.$Shape; trace?: null }|{ kind?: "trace"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace: shoal.v1.Trace.$Shape })
            );
        }

        /**
         * Properties of a Welcome.
         * @deprecated Use shoal.v1.Welcome.$Properties instead.
         */
        interface IWelcome extends shoal.v1.Welcome.$Properties {
        }

        /** Represents a Welcome. */
        class Welcome {

            /**
             * Constructs a new Welcome.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Welcome.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Welcome reportIntervalMs. */
            reportIntervalMs: number;

            /**
             * Encodes the specified Welcome message. Does not implicitly {@link shoal.v1.Welcome.verify|verify} messages.
             * @param message Welcome message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Welcome.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Welcome message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Welcome & shoal.v1.Welcome.$Shape} Welcome
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Welcome & shoal.v1.Welcome.$Shape;
        }

        namespace Welcome {

            /** Properties of a Welcome. */
            interface $Properties {

                /** Welcome reportIntervalMs */
                reportIntervalMs?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Welcome. */
            type $Shape = shoal.v1.Welcome.$Properties;
        }

        /**
         * Properties of a Parents.
         * @deprecated Use shoal.v1.Parents.$Properties instead.
         */
        interface IParents extends shoal.v1.Parents.$Properties {
        }

        /** Represents a Parents. */
        class Parents {

            /**
             * Constructs a new Parents.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Parents.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Parents handle. */
            handle: number;

            /** Parents add. */
            add: shoal.v1.Parent.$Properties[];

            /** Parents remove. */
            remove: Uint8Array[];

            /**
             * Encodes the specified Parents message. Does not implicitly {@link shoal.v1.Parents.verify|verify} messages.
             * @param message Parents message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Parents.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Parents message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Parents & shoal.v1.Parents.$Shape} Parents
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Parents & shoal.v1.Parents.$Shape;
        }

        namespace Parents {

            /** Properties of a Parents. */
            interface $Properties {

                /** Parents handle */
                handle?: (number|null);

                /** Parents add */
                add?: (shoal.v1.Parent.$Properties[]|null);

                /** Parents remove */
                remove?: (Uint8Array[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Parents. */
            type $Shape = shoal.v1.Parents.$Properties;
        }

        /**
         * Properties of a Parent.
         * @deprecated Use shoal.v1.Parent.$Properties instead.
         */
        interface IParent extends shoal.v1.Parent.$Properties {
        }

        /** Represents a Parent. */
        class Parent {

            /**
             * Constructs a new Parent.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Parent.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Parent peerId. */
            peerId: Uint8Array;

            /** Parent addresses. */
            addresses: string[];

            /** Parent pieces. */
            pieces: Uint8Array;

            /** Parent chunks. */
            chunks: Uint8Array;

            /** Parent distance. */
            distance: number;

            /**
             * Encodes the specified Parent message. Does not implicitly {@link shoal.v1.Parent.verify|verify} messages.
             * @param message Parent message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Parent.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Parent message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Parent & shoal.v1.Parent.$Shape} Parent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Parent & shoal.v1.Parent.$Shape;
        }

        namespace Parent {

            /** Properties of a Parent. */
            interface $Properties {

                /** Parent peerId */
                peerId?: (Uint8Array|null);

                /** Parent addresses */
                addresses?: (string[]|null);

                /** Parent pieces */
                pieces?: (Uint8Array|null);

                /** Parent chunks */
                chunks?: (Uint8Array|null);

                /** Parent distance */
                distance?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Parent. */
            type $Shape = shoal.v1.Parent.$Properties;
        }

        /**
         * Properties of a Lease.
         * @deprecated Use shoal.v1.Lease.$Properties instead.
         */
        interface ILease extends shoal.v1.Lease.$Properties {
        }

        /** Represents a Lease. */
        class Lease {

            /**
             * Constructs a new Lease.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Lease.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Lease handle. */
            handle: number;

            /** Lease runs. */
            runs: number[];

            /** Lease deadlineMs. */
            deadlineMs: number;

            /**
             * Encodes the specified Lease message. Does not implicitly {@link shoal.v1.Lease.verify|verify} messages.
             * @param message Lease message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Lease.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Lease message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Lease & shoal.v1.Lease.$Shape} Lease
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Lease & shoal.v1.Lease.$Shape;
        }

        namespace Lease {

            /** Properties of a Lease. */
            interface $Properties {

                /** Lease handle */
                handle?: (number|null);

                /** Lease runs */
                runs?: (number[]|null);

                /** Lease deadlineMs */
                deadlineMs?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Lease. */
            type $Shape = shoal.v1.Lease.$Properties;
        }

        /**
         * Properties of a Trace.
         * @deprecated Use shoal.v1.Trace.$Properties instead.
         */
        interface ITrace extends shoal.v1.Trace.$Properties {
        }

        /** Represents a Trace. */
        class Trace {

            /**
             * Constructs a new Trace.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Trace.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Trace handle. */
            handle: number;

            /** Trace runs. */
            runs: number[];

            /**
             * Encodes the specified Trace message. Does not implicitly {@link shoal.v1.Trace.verify|verify} messages.
             * @param message Trace message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Trace.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Trace message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Trace & shoal.v1.Trace.$Shape} Trace
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Trace & shoal.v1.Trace.$Shape;
        }

        namespace Trace {

            /** Properties of a Trace. */
            interface $Properties {

                /** Trace handle */
                handle?: (number|null);

                /** Trace runs */
                runs?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Trace. */
            type $Shape = shoal.v1.Trace.$Properties;
        }

        /**
         * Properties of a Lessees.
         * @deprecated Use shoal.v1.Lessees.$Properties instead.
         */
        interface ILessees extends shoal.v1.Lessees.$Properties {
        }

        /** Represents a Lessees. */
        class Lessees {

            /**
             * Constructs a new Lessees.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Lessees.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Lessees handle. */
            handle: number;

            /** Lessees lessees. */
            lessees: shoal.v1.Lessee.$Properties[];

            /**
             * Encodes the specified Lessees message. Does not implicitly {@link shoal.v1.Lessees.verify|verify} messages.
             * @param message Lessees message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Lessees.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Lessees message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Lessees & shoal.v1.Lessees.$Shape} Lessees
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Lessees & shoal.v1.Lessees.$Shape;
        }

        namespace Lessees {

            /** Properties of a Lessees. */
            interface $Properties {

                /** Lessees handle */
                handle?: (number|null);

                /** Lessees lessees */
                lessees?: (shoal.v1.Lessee.$Properties[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Lessees. */
            type $Shape = shoal.v1.Lessees.$Properties;
        }

        /**
         * Properties of a Lessee.
         * @deprecated Use shoal.v1.Lessee.$Properties instead.
         */
        interface ILessee extends shoal.v1.Lessee.$Properties {
        }

        /** Represents a Lessee. */
        class Lessee {

            /**
             * Constructs a new Lessee.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Lessee.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Lessee peerId. */
            peerId: Uint8Array;

            /** Lessee runs. */
            runs: number[];

            /**
             * Encodes the specified Lessee message. Does not implicitly {@link shoal.v1.Lessee.verify|verify} messages.
             * @param message Lessee message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Lessee.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Lessee message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Lessee & shoal.v1.Lessee.$Shape} Lessee
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Lessee & shoal.v1.Lessee.$Shape;
        }

        namespace Lessee {

            /** Properties of a Lessee. */
            interface $Properties {

                /** Lessee peerId */
                peerId?: (Uint8Array|null);

                /** Lessee runs */
                runs?: (number[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Lessee. */
            type $Shape = shoal.v1.Lessee.$Properties;
        }

        /**
         * Properties of a Ban.
         * @deprecated Use shoal.v1.Ban.$Properties instead.
         */
        interface IBan extends shoal.v1.Ban.$Properties {
        }

        /** Represents a Ban. */
        class Ban {

            /**
             * Constructs a new Ban.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.Ban.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Ban peerId. */
            peerId: Uint8Array;

            /** Ban durationMs. */
            durationMs: number;

            /** Ban reason. */
            reason: string;

            /**
             * Encodes the specified Ban message. Does not implicitly {@link shoal.v1.Ban.verify|verify} messages.
             * @param message Ban message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.Ban.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Ban message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.Ban & shoal.v1.Ban.$Shape} Ban
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.Ban & shoal.v1.Ban.$Shape;
        }

        namespace Ban {

            /** Properties of a Ban. */
            interface $Properties {

                /** Ban peerId */
                peerId?: (Uint8Array|null);

                /** Ban durationMs */
                durationMs?: (number|null);

                /** Ban reason */
                reason?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Ban. */
            type $Shape = shoal.v1.Ban.$Properties;
        }

        /**
         * Properties of an OriginHold.
         * @deprecated Use shoal.v1.OriginHold.$Properties instead.
         */
        interface IOriginHold extends shoal.v1.OriginHold.$Properties {
        }

        /** Represents an OriginHold. */
        class OriginHold {

            /**
             * Constructs a new OriginHold.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.OriginHold.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** OriginHold handle. */
            handle: number;

            /** OriginHold durationMs. */
            durationMs: number;

            /**
             * Encodes the specified OriginHold message. Does not implicitly {@link shoal.v1.OriginHold.verify|verify} messages.
             * @param message OriginHold message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.OriginHold.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an OriginHold message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.OriginHold & shoal.v1.OriginHold.$Shape} OriginHold
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.OriginHold & shoal.v1.OriginHold.$Shape;
        }

        namespace OriginHold {

            /** Properties of an OriginHold. */
            interface $Properties {

                /** OriginHold handle */
                handle?: (number|null);

                /** OriginHold durationMs */
                durationMs?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an OriginHold. */
            type $Shape = shoal.v1.OriginHold.$Properties;
        }

        /**
         * Properties of a TaskRefused.
         * @deprecated Use shoal.v1.TaskRefused.$Properties instead.
         */
        interface ITaskRefused extends shoal.v1.TaskRefused.$Properties {
        }

        /** Represents a TaskRefused. */
        class TaskRefused {

            /**
             * Constructs a new TaskRefused.
             * @param [properties] Properties to set
             */
            constructor(properties?: shoal.v1.TaskRefused.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** TaskRefused handle. */
            handle: number;

            /** TaskRefused reason. */
            reason: string;

            /**
             * Encodes the specified TaskRefused message. Does not implicitly {@link shoal.v1.TaskRefused.verify|verify} messages.
             * @param message TaskRefused message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: shoal.v1.TaskRefused.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a TaskRefused message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {shoal.v1.TaskRefused & shoal.v1.TaskRefused.$Shape} TaskRefused
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): shoal.v1.TaskRefused & shoal.v1.TaskRefused.$Shape;
        }

        namespace TaskRefused {

            /** Properties of a TaskRefused. */
            interface $Properties {

                /** TaskRefused handle */
                handle?: (number|null);

                /** TaskRefused reason */
                reason?: (string|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a TaskRefused. */
            type $Shape = shoal.v1.TaskRefused.$Properties;
        }
    }
}
